//! Measures classifiers: ROC and precision-recall, intervals, tests, summaries over data sets.
