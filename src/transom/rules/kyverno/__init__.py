"""Kyverno's CEL policies and their tests, unmodified: translated into the policies that everything here judges."""
