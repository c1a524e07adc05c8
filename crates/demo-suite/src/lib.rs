//! The published experiments as data: sets, models, protocols, figures, the plan of jobs and its journal.
