//! The project's own commands: `cargo xtask reproduce`, `test`, `ci`, `tidy`.

fn main() {}
