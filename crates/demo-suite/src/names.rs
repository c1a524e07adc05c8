//! The names most like one that is not there.

/// At most three of `known`, the most similar first, and none that is not similar at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let name = name.to_lowercase();
    let similarity = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let prefix = if candidate.starts_with(&name) && !name.is_empty() { 1.0 } else { 0.0 };
        prefix + strsim::jaro_winkler(&name, &candidate)
    };
    let mut scored: Vec<(f64, &str)> = known.into_iter().map(|known| (similarity(known), known)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.iter().filter(|(score, _)| *score > 0.6).take(3).map(|(_, name)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_or_a_slip_finds_the_name() {
        let known = ["REST_K562_NRSF_HudsonAlpha", "RFX5_K562_RFX5", "SRF_K562_SRF", "USF1_K562"];
        assert_eq!(nearest("rest_k562", known)[0], known[0]);
        assert_eq!(nearest("USF1_K526", known)[0], known[3]);
        assert!(nearest("qqq", known).is_empty());
    }
}
