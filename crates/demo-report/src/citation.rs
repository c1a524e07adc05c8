//! The works a report rests on, as BibTeX and as text.

use std::fmt::Write as _;

use crate::svg::escape;

/// A work that tables and pages cite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Citation {
    /// The comparison and its three visualisations.
    DeepMotifDashboard,
    /// The data sets and the published AUROC figures.
    DeepBind,
    /// The motif collection of the published comparison.
    Jaspar2016,
    /// The current motif collection.
    Jaspar2026,
    /// The motif comparison.
    Tomtom,
    /// The experiments behind the data sets.
    Encode,
    /// The human motif collection made from ChIP-seq.
    HocomocoV11,
    /// Intervals and tests of AUROC.
    DeLong,
    /// Corrections for several tests.
    Holm,
    /// The signed-rank test.
    Wilcoxon,
    /// Mean ranks and critical differences.
    Demsar,
    /// The parts of the Brier score.
    Murphy,
    /// Calibration and temperature scaling.
    GuoCalibration,
    /// The gapped k-mers of the baseline.
    GkmSvm,
}

struct Entry {
    key: &'static str,
    authors: &'static str,
    short_authors: &'static str,
    title: &'static str,
    journal: &'static str,
    year: u16,
    volume: &'static str,
    number: Option<&'static str>,
    pages: &'static str,
    doi: Option<&'static str>,
}

impl Citation {
    /// All of them, in the order of a bibliography.
    pub const ALL: [Self; 14] = [
        Self::DeepMotifDashboard,
        Self::DeepBind,
        Self::Jaspar2016,
        Self::Jaspar2026,
        Self::Tomtom,
        Self::Encode,
        Self::HocomocoV11,
        Self::DeLong,
        Self::Holm,
        Self::Wilcoxon,
        Self::Demsar,
        Self::Murphy,
        Self::GuoCalibration,
        Self::GkmSvm,
    ];

    /// The BibTeX key.
    pub fn key(self) -> &'static str {
        self.entry().key
    }

    /// The entry as BibTeX.
    pub fn to_bibtex(self) -> String {
        let e = self.entry();
        let mut text = format!(
            "@article{{{},\n  author = {{{}}},\n  title = {{{{{}}}}},\n  journal = {{{}}},\n  year = {{{}}},\n  volume = {{{}}},\n",
            e.key, e.authors, e.title, e.journal, e.year, e.volume
        );
        if let Some(number) = e.number {
            let _ = writeln!(text, "  number = {{{number}}},");
        }
        let _ = write!(text, "  pages = {{{}}}", e.pages);
        if let Some(doi) = e.doi {
            let _ = write!(text, ",\n  doi = {{{doi}}}");
        }
        text.push_str("\n}\n");
        text
    }

    /// The entry as a line of HTML.
    pub(crate) fn to_html(self) -> String {
        let e = self.entry();
        let number = e.number.map_or(String::new(), |number| format!("({number})"));
        let doi = e.doi.map_or(String::new(), |doi| {
            let doi = escape(doi);
            format!(" <a href=\"https://doi.org/{doi}\">doi:{doi}</a>")
        });
        format!(
            "{}. {}. <i>{}</i> {} {}{number}:{}.{doi}",
            escape(e.short_authors),
            escape(e.title),
            e.journal,
            e.year,
            e.volume,
            e.pages.replace("--", "–"),
        )
    }

    fn entry(self) -> Entry {
        match self {
            Self::DeepMotifDashboard => DEEP_MOTIF_DASHBOARD,
            Self::DeepBind => DEEP_BIND,
            Self::Jaspar2016 => JASPAR_2016,
            Self::Jaspar2026 => JASPAR_2026,
            Self::Tomtom => TOMTOM,
            Self::Encode => ENCODE,
            Self::HocomocoV11 => HOCOMOCO_V11,
            Self::DeLong => DELONG,
            Self::Holm => HOLM,
            Self::Wilcoxon => WILCOXON,
            Self::Demsar => DEMSAR,
            Self::Murphy => MURPHY,
            Self::GuoCalibration => GUO_CALIBRATION,
            Self::GkmSvm => GKM_SVM,
        }
    }
}

/// All entries as one BibTeX file.
pub fn bibliography() -> String {
    Citation::ALL.map(Citation::to_bibtex).join("\n")
}

const DEEP_MOTIF_DASHBOARD: Entry = Entry {
    key: "lanchantin2017deepmotif",
    authors: "Lanchantin, Jack and Singh, Ritambhara and Wang, Beilun and Qi, Yanjun",
    short_authors: "Lanchantin J, Singh R, Wang B, Qi Y",
    title: "Deep Motif Dashboard: Visualizing and Understanding Genomic Sequences Using Deep Neural Networks",
    journal: "Pacific Symposium on Biocomputing",
    year: 2017,
    volume: "22",
    number: None,
    pages: "254--265",
    doi: Some("10.1142/9789813207813_0025"),
};

const DEEP_BIND: Entry = Entry {
    key: "alipanahi2015deepbind",
    authors: "Alipanahi, Babak and Delong, Andrew and Weirauch, Matthew T. and Frey, Brendan J.",
    short_authors: "Alipanahi B, Delong A, Weirauch MT, Frey BJ",
    title: "Predicting the sequence specificities of DNA- and RNA-binding proteins by deep learning",
    journal: "Nature Biotechnology",
    year: 2015,
    volume: "33",
    number: Some("8"),
    pages: "831--838",
    doi: Some("10.1038/nbt.3300"),
};

const JASPAR_2016: Entry = Entry {
    key: "mathelier2016jaspar",
    authors: "Mathelier, Anthony and Fornes, Oriol and Arenillas, David J. and Chen, Chih-yu and Denay, Gr{\\'e}goire and Lee, Jessica and others",
    short_authors: "Mathelier A, Fornes O, Arenillas DJ, et al",
    title: "JASPAR 2016: a major expansion and update of the open-access database of transcription factor binding profiles",
    journal: "Nucleic Acids Research",
    year: 2016,
    volume: "44",
    number: Some("D1"),
    pages: "D110--D115",
    doi: Some("10.1093/nar/gkv1176"),
};

const JASPAR_2026: Entry = Entry {
    key: "ovekbaydar2026jaspar",
    authors: "Ovek Baydar, Damla and Rauluseviciute, Ieva and others",
    short_authors: "Ovek Baydar D, Rauluseviciute I, et al",
    title: "JASPAR 2026: expansion of transcription factor binding profiles and integration of deep learning models",
    journal: "Nucleic Acids Research",
    year: 2026,
    volume: "54",
    number: Some("D1"),
    pages: "D184--D193",
    doi: Some("10.1093/nar/gkaf1209"),
};

const TOMTOM: Entry = Entry {
    key: "gupta2007tomtom",
    authors: "Gupta, Shobhit and Stamatoyannopoulos, John A. and Bailey, Timothy L. and Noble, William Stafford",
    short_authors: "Gupta S, Stamatoyannopoulos JA, Bailey TL, Noble WS",
    title: "Quantifying similarity between motifs",
    journal: "Genome Biology",
    year: 2007,
    volume: "8",
    number: Some("2"),
    pages: "R24",
    doi: Some("10.1186/gb-2007-8-2-r24"),
};

const ENCODE: Entry = Entry {
    key: "encode2012",
    authors: "{The ENCODE Project Consortium}",
    short_authors: "The ENCODE Project Consortium",
    title: "An integrated encyclopedia of DNA elements in the human genome",
    journal: "Nature",
    year: 2012,
    volume: "489",
    number: Some("7414"),
    pages: "57--74",
    doi: Some("10.1038/nature11247"),
};

const HOCOMOCO_V11: Entry = Entry {
    key: "kulakovskiy2018hocomoco",
    authors: "Kulakovskiy, Ivan V. and Vorontsov, Ilya E. and Yevshin, Ivan S. and Sharipov, Ruslan N. and others",
    short_authors: "Kulakovskiy IV, Vorontsov IE, Yevshin IS, et al",
    title: "HOCOMOCO: towards a complete collection of transcription factor binding models for human and mouse via large-scale ChIP-Seq analysis",
    journal: "Nucleic Acids Research",
    year: 2018,
    volume: "46",
    number: Some("D1"),
    pages: "D252--D259",
    doi: Some("10.1093/nar/gkx1106"),
};

const DELONG: Entry = Entry {
    key: "delong1988areas",
    authors: "DeLong, Elizabeth R. and DeLong, David M. and Clarke-Pearson, Daniel L.",
    short_authors: "DeLong ER, DeLong DM, Clarke-Pearson DL",
    title: "Comparing the areas under two or more correlated receiver operating characteristic curves: a nonparametric approach",
    journal: "Biometrics",
    year: 1988,
    volume: "44",
    number: Some("3"),
    pages: "837--845",
    doi: Some("10.2307/2531595"),
};

const HOLM: Entry = Entry {
    key: "holm1979simple",
    authors: "Holm, Sture",
    short_authors: "Holm S",
    title: "A simple sequentially rejective multiple test procedure",
    journal: "Scandinavian Journal of Statistics",
    year: 1979,
    volume: "6",
    number: Some("2"),
    pages: "65--70",
    doi: None,
};

const WILCOXON: Entry = Entry {
    key: "wilcoxon1945individual",
    authors: "Wilcoxon, Frank",
    short_authors: "Wilcoxon F",
    title: "Individual comparisons by ranking methods",
    journal: "Biometrics Bulletin",
    year: 1945,
    volume: "1",
    number: Some("6"),
    pages: "80--83",
    doi: Some("10.2307/3001968"),
};

const DEMSAR: Entry = Entry {
    key: "demsar2006statistical",
    authors: "Dem{\\v{s}}ar, Janez",
    short_authors: "Demšar J",
    title: "Statistical comparisons of classifiers over multiple data sets",
    journal: "Journal of Machine Learning Research",
    year: 2006,
    volume: "7",
    number: None,
    pages: "1--30",
    doi: None,
};

const MURPHY: Entry = Entry {
    key: "murphy1973vector",
    authors: "Murphy, Allan H.",
    short_authors: "Murphy AH",
    title: "A new vector partition of the probability score",
    journal: "Journal of Applied Meteorology",
    year: 1973,
    volume: "12",
    number: Some("4"),
    pages: "595--600",
    doi: Some("10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2"),
};

const GUO_CALIBRATION: Entry = Entry {
    key: "guo2017calibration",
    authors: "Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.",
    short_authors: "Guo C, Pleiss G, Sun Y, Weinberger KQ",
    title: "On calibration of modern neural networks",
    journal: "Proceedings of Machine Learning Research",
    year: 2017,
    volume: "70",
    number: None,
    pages: "1321--1330",
    doi: None,
};

const GKM_SVM: Entry = Entry {
    key: "ghandi2014enhanced",
    authors: "Ghandi, Mahmoud and Lee, Dongwon and Mohammad-Noori, Morteza and Beer, Michael A.",
    short_authors: "Ghandi M, Lee D, Mohammad-Noori M, Beer MA",
    title: "Enhanced regulatory sequence prediction using gapped k-mer features",
    journal: "PLoS Computational Biology",
    year: 2014,
    volume: "10",
    number: Some("7"),
    pages: "e1003711",
    doi: Some("10.1371/journal.pcbi.1003711"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_braces_balance() {
        let text = bibliography();
        for citation in Citation::ALL {
            assert_eq!(text.matches(&format!("{{{},", citation.key())).count(), 1);
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn an_entry_is_complete() {
        let text = Citation::Tomtom.to_bibtex();
        assert!(text.starts_with("@article{gupta2007tomtom,\n  author = {Gupta, Shobhit and "), "{text}");
        assert!(text.ends_with("  number = {2},\n  pages = {R24},\n  doi = {10.1186/gb-2007-8-2-r24}\n}\n"));
    }
}
