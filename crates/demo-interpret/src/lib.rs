//! Explains sequence classifiers: saliency, temporal scores, class optimisation, filter motifs.
