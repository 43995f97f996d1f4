"""The words that every part of Transom speaks: what a thing is, where it is, what is wrong with it, what was not seen."""
