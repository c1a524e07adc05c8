//! The engine as a whole: gradients against finite differences, routes, precisions, banks and threads
//! against each other, truncations against separate runs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod attention;
mod banks;
mod common;
mod devices;
mod gradients;
mod mutants;
mod normalisation;
mod routes;
mod shapes;
mod truncations;
