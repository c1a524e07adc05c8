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
    doi: &'static str,
}

impl Citation {
    /// All of them, in the order of a bibliography.
    pub const ALL: [Self; 8] = [
        Self::DeepMotifDashboard,
        Self::DeepBind,
        Self::Jaspar2016,
        Self::Jaspar2026,
        Self::Tomtom,
        Self::Encode,
        Self::HocomocoV11,
        Self::DeLong,
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
        let _ = write!(text, "  pages = {{{}}},\n  doi = {{{}}}\n}}\n", e.pages, e.doi);
        text
    }

    /// The entry as a line of HTML.
    pub(crate) fn to_html(self) -> String {
        let e = self.entry();
        let number = e.number.map_or(String::new(), |number| format!("({number})"));
        format!(
            "{}. {}. <i>{}</i> {} {}{number}:{}. <a href=\"https://doi.org/{}\">doi:{}</a>",
            escape(e.short_authors),
            escape(e.title),
            e.journal,
            e.year,
            e.volume,
            e.pages.replace("--", "–"),
            e.doi,
            e.doi
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
    doi: "10.1142/9789813207813_0025",
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
    doi: "10.1038/nbt.3300",
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
    doi: "10.1093/nar/gkv1176",
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
    doi: "10.1093/nar/gkaf1209",
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
    doi: "10.1186/gb-2007-8-2-r24",
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
    doi: "10.1038/nature11247",
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
    doi: "10.1093/nar/gkx1106",
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
    doi: "10.2307/2531595",
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
