"""VEX out: the vulnerabilities of a report, with what the team has decided of each (OpenVEX, CycloneDX, CSAF)."""
