//! Compares motifs as Tomtom does.
