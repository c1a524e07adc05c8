//! The stages of a run, each a function from one piece of work to its outcome.

pub(crate) mod class_alternatives;
pub(crate) mod compare;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod recover;
pub(crate) mod train;
pub(crate) mod truth;
pub(crate) mod untrained;
