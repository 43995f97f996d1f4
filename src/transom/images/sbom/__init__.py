"""Bills of materials: what is installed, as CycloneDX and SPDX write it, out and in."""
