"""Verification of a trace: structure, checksums, and whether what it says follows from what it says."""

from samviz.verify.report import Check, Report
from samviz.verify.verification import verify

__all__ = ["Check", "Report", "verify"]
