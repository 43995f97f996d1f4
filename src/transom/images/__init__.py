"""What runs: the packages, files and settings of images, whoever built them."""
