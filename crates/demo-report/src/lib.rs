//! Draws plain values: logos, tracks, curves, box plots, tables and the HTML report.
