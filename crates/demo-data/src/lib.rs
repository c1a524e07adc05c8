//! Reads, writes, splits, shuffles and simulates labelled DNA and motif collections.
