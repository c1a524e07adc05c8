//! The `demo` command: motif comparison and inspection of a user's own files.

fn main() {}
