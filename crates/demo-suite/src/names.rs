//! What to say of a name that is not there: the names most like it, or those that there are.

/// Names that are listed where none is near, at most.
const LISTED: usize = 20;

/// At most three of `known`, the most similar first; where none is similar at all, what there is.
pub(crate) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let name = name.to_lowercase();
    let similarity = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let prefix = if candidate.starts_with(&name) && !name.is_empty() { 1.0 } else { 0.0 };
        prefix + strsim::jaro_winkler(&name, &candidate)
    };
    let known: Vec<&str> = known.into_iter().collect();
    let mut scored: Vec<(f64, &str)> = known.iter().map(|known| (similarity(known), *known)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<&str> =
        scored.iter().filter(|(score, _)| *score > 0.6).take(3).map(|(_, name)| *name).collect();
    match (near.as_slice(), known.len()) {
        ([one], _) => format!("did you mean '{one}'?"),
        ([], 0) => "there is none".to_owned(),
        ([], count @ ..=LISTED) => format!("the {count} names are {}", known.join(", ")),
        ([], count) => format!("the {count} names are {}, ..", known[..LISTED].join(", ")),
        (many, _) => format!("the nearest names are {}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_or_a_slip_finds_the_name() {
        let known = ["REST_K562_NRSF_HudsonAlpha", "RFX5_K562_RFX5", "SRF_K562_SRF", "USF1_K562"];
        assert!(hint("rest_k562", known).starts_with(&format!("the nearest names are {}", known[0])));
        assert!(hint("USF1_K526", known).contains(known[3]));
    }

    #[test]
    fn where_none_is_near_those_that_there_are_are_listed() {
        assert_eq!(hint("qqq", ["rnn", "cnn"]), "the 2 names are rnn, cnn");
        assert_eq!(hint("", ["rnn", "cnn"]), "the 2 names are rnn, cnn");
        assert_eq!(hint("qqq", []), "there is none");
        let many: Vec<String> = (0..30).map(|number| format!("set{number}")).collect();
        let listed = hint("qqq", many.iter().map(String::as_str));
        assert!(listed.starts_with("the 30 names are set0, ") && listed.ends_with("set19, .."), "{listed}");
    }
}
