//! What the page shows of each part of a report, and that it is complete in itself.

use demo_core::{DnaSequence, Motif, ProbabilityMatrix, Strand};

use super::*;
use crate::*;

const BAD: &str = "<&\">";

fn sequence() -> DnaSequence {
    "ACGTTGCANNACGTACGTAC".parse().unwrap()
}

fn model(name: &str, auroc: f64) -> ModelReport {
    let motif = Motif::new("MA0138.2", ProbabilityMatrix::new(vec![[0.7, 0.1, 0.1, 0.1]; 6]).unwrap());
    let site = SiteSpan { start: 2, end: 8, name: BAD.into(), strand: Some(Strand::Reverse) };
    let saliency = SaliencyTrack::new(sequence(), vec![0.25; 20]).unwrap().with_sites(vec![site]).unwrap();
    ModelReport {
        model: name.into(),
        protocol: "honest".into(),
        auroc: Estimate::new(auroc, auroc - 0.01, auroc + 0.01),
        networks: vec![],
        converged: true,
        learning: None,
        saliency: Some(saliency),
        temporal: Some(TemporalCurves::new(sequence(), vec![0.5; 20], vec![0.25; 20]).unwrap()),
        class_optimisation: Some(Logo::new(vec![[0.4, 0.3, 0.2, 0.1]; 20])),
        best_match: Some(MotifPair::new(motif.clone(), motif, 0, Strand::Forward)),
        motifs: vec![MotifRow {
            source: "filter".into(),
            target: Some(BAD.into()),
            p: Some(1e-9),
            e: Some(5e-7),
            q: None,
            relation: "own".into(),
        }],
    }
}

fn truth() -> DotPlot {
    let row = DotRow {
        name: BAD.into(),
        estimates: vec![Some(Estimate::point(0.7))],
        points: vec![],
        published: Some(0.5),
    };
    DotPlot {
        title: "AUPRC of planted positions".into(),
        axis: BAD.into(),
        models: vec![BAD.into()],
        published_name: BAD.into(),
        rows: vec![row],
    }
}

fn summary() -> ModelSummary {
    ModelSummary {
        model: BAD.into(),
        protocol: "honest".into(),
        sets: 2,
        tfs: 2,
        mean: Estimate::new(0.925, 0.91, 0.94),
        median: 0.925,
        sd: Some(0.01),
        seed_sd: Some(0.0123),
        not_converged: 0,
    }
}

fn report() -> Report {
    let set = |name: &str, auroc: f64| SetReport {
        name: name.into(),
        tf: BAD.into(),
        data: DataKind::Simulated,
        ceiling: Some(0.98),
        published: vec![("DeepBind*".into(), 0.95, PublishedStatus::Confirmed)],
        models: vec![model("CNN", auroc), model("RNN", auroc - 0.03)],
        ensembles: vec![],
        roc: Some(RocPlot {
            title: BAD.into(),
            curves: vec![RocCurve {
                name: BAD.into(),
                points: vec![(0.0, 0.0), (0.1, 0.9), (1.0, 1.0)],
                auroc: Estimate::point(0.9),
            }],
        }),
        reliability: Some(ReliabilityPlot {
            title: BAD.into(),
            curves: vec![ReliabilityCurve {
                name: BAD.into(),
                bins: vec![(0.1, 0.2, 0.5), (0.9, 0.8, 0.5)],
                expected_error: 0.1,
            }],
        }),
    };
    Report {
        title: BAD.into(),
        data: DataKind::Simulated,
        data_note: BAD.into(),
        summaries: vec![summary()],
        published: vec![PublishedSummary {
            model: "CNN".into(),
            sets: 108,
            over: "all K562 sets, real data".into(),
            mean: 0.918,
            median: Some(0.944),
            sd: Some(0.081),
            status: PublishedStatus::Recollected,
        }],
        published_by_set: vec![PublishedSeries {
            name: "DeepBind*".into(),
            status: PublishedStatus::Confirmed,
            values: vec![("REST".into(), 0.95), (BAD.into(), 0.94)],
        }],
        tests: vec![PairTest {
            first: "CNN".into(),
            second: BAD.into(),
            family: BAD.into(),
            protocol: "honest".into(),
            tfs: 2,
            difference: Estimate::new(0.03, 0.02, 0.04),
            t_p: Some(0.001),
            t_holm: Some(0.003),
            wilcoxon_p: None,
            wilcoxon_holm: None,
            hedges_g: Some(0.8),
            rank_biserial: None,
        }],
        ranks: vec![CriticalDifference {
            title: BAD.into(),
            models: vec![("CNN".into(), 1.2), (BAD.into(), 1.8)],
            difference: 0.9,
            groups: vec![vec![0, 1]],
            note: BAD.into(),
        }],
        sizes: vec![],
        truth: vec![truth()],
        motif_counts: vec![MotifCount {
            model: "CNN".into(),
            source: "class-optimisation".into(),
            control: false,
            correction: String::new(),
            sets: 2,
            top: [CountBesideChance { found: 1, chance: 0.04 }; 3],
            any: [CountBesideChance { found: 2, chance: 1.26 }; 3],
        }],
        published_motif_counts: vec![PublishedMotifCount {
            model: "CNN".into(),
            source: "class-optimisation".into(),
            sets: 57,
            found: 19,
            threshold: "threshold not known".into(),
            status: PublishedStatus::Secondary,
        }],
        sets: vec![set("REST", 0.93), set(BAD, 0.92)],
        run: RunInfo {
            command: BAD.into(),
            seed: 7,
            version: BAD.into(),
            device: BAD.into(),
            facts: vec![(BAD.into(), BAD.into())],
        },
    }
}

/// The page without what only HTML may leave open, so that an XML reader can check its nesting.
fn as_xml(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    format!("<body>{}", body.replace("</html>", ""))
}

#[test]
fn every_text_is_escaped_and_every_tag_closed() {
    let page = report().to_html().unwrap();
    assert!(!page.contains(BAD));
    assert!(page.matches("&lt;&amp;&quot;&gt;").count() > 10);
    let xml = as_xml(&page);
    let options = resvg::usvg::roxmltree::ParsingOptions::default();
    let document = resvg::usvg::roxmltree::Document::parse_with_options(xml.trim(), options).unwrap();
    // Every letter refers to a definition that the page holds.
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for node in document.descendants().filter(|node| node.has_tag_name("use")) {
        assert!(ids.contains(&&node.attribute("href").unwrap()[1..]));
    }
}

#[test]
fn nothing_is_loaded() {
    let page = report().to_html().unwrap();
    for forbidden in ["<script", "<link", "<img", "src=", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn simulated_and_published_are_marked() {
    let page = report().to_html().unwrap();
    assert!(page.contains("<strong>SIMULATED data.</strong>"));
    assert!(page.contains("19 of 57 (threshold not known, secondary)"));
    assert!(page.contains("1 (0.0)") && page.contains("2 (1.3)"));
    assert!(page.contains("<td>recollected</td>"));
    // In the boxes and beside each set.
    assert_eq!(report().box_plot().unwrap().groups.iter().filter(|group| group.name == ORACLE).count(), 1);
    let sets = report().dot_plot().unwrap();
    assert_eq!(sets.models.last().map(String::as_str), Some(ORACLE));
    assert!(sets.rows.iter().all(|row| row.estimates.last() == Some(&Some(Estimate::point(0.98)))));
    assert!(page.contains("id=\"truth\"") && page.contains("AUPRC of planted positions"));
    assert!(page.contains(">published, real data<"));
    let mut real = report();
    real.data = DataKind::Real;
    assert!(!real.to_html().unwrap().contains("SIMULATED"));
}

#[test]
fn ensembles_stand_beside_the_models_and_every_network_is_shown() {
    let mut report = report();
    for set in &mut report.sets {
        let (name, protocol) = ("CNN, ensemble".to_owned(), "honest".to_owned());
        set.ensembles.push(EnsembleReport { name, protocol, auroc: Estimate::new(0.955, 0.94, 0.97) });
        set.models[0].networks = vec![0.91, 0.9625];
    }
    let boxes = report.box_plot().unwrap();
    let names: Vec<&str> = boxes.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["CNN", "RNN", "CNN, ensemble", ORACLE, "DeepBind*"]);
    assert_eq!(boxes.groups[2].values, [("REST".to_owned(), 0.955), (BAD.to_owned(), 0.955)]);
    let sets = report.dot_plot().unwrap();
    assert_eq!(sets.models, ["CNN", "RNN", "CNN, ensemble", ORACLE]);
    assert_eq!(sets.rows[0].estimates[2], Some(Estimate::new(0.955, 0.94, 0.97)));
    assert_eq!(sets.rows[0].points, [vec![0.91, 0.9625], vec![], vec![], vec![]]);
    let page = report.to_html().unwrap();
    assert!(page.contains("the mean of 2 networks (.910, .963)") && page.contains("<td class=\"n\">0.0123"));
    assert!(page.contains(">CNN, ensemble</th>"), "a column of the table of sets");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let first = report().write(folder.path()).unwrap();
    let second = report().write(&folder.path().join("again")).unwrap();
    assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
}

#[test]
fn a_report_without_results_is_a_page() {
    let mut empty = report();
    empty.summaries.clear();
    empty.sets.clear();
    empty.tests.clear();
    empty.motif_counts[0].control = true;
    assert!(empty.to_html().unwrap().contains("Untrained sources are a control"));
    assert!(!report().to_html().unwrap().contains("Untrained filters"));
    empty.motif_counts.clear();
    empty.truth.clear();
    let page = empty.to_html().unwrap();
    assert!(!page.contains("id=\"sets\"") && !page.contains("id=\"truth\"") && page.contains("id=\"run\""));
    assert_eq!(empty.box_plot(), None);
}

#[test]
fn sets_are_compared_also_where_no_network_converged() {
    let mut failed = report();
    for model in failed.sets.iter_mut().flat_map(|set| &mut set.models) {
        model.converged = false;
    }
    assert_eq!(failed.box_plot(), None);
    let page = failed.to_html().unwrap();
    assert!(page.contains("href=\"#comparison\"") && page.contains("<section id=\"comparison\">"));
    assert!(
        page.contains("<h3>Every set</h3>") && page.contains("Did not converge: CNN on REST; RNN on REST;")
    );
}

#[test]
fn every_entry_of_the_contents_leads_somewhere() {
    let mut empty = report();
    empty.sets.clear();
    for page in [report().to_html().unwrap(), empty.to_html().unwrap()] {
        let contents = page.split_once("</nav>").unwrap().0;
        for link in contents.split("href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn pictures_of_long_sequences_scroll_and_others_shrink() {
    let classes = |length: usize| {
        let logo = Logo::new(vec![[0.4, 0.3, 0.2, 0.1]; length]).draw().unwrap();
        picture(&logo, "").split("><div").next().unwrap().to_owned()
    };
    assert_eq!(classes(1000), "<figure class=\"long\"");
    // A picture that is a little wider than the page fits it.
    assert_eq!([classes(101), classes(160)], ["<figure class=\"wide\""; 2]);
    assert_eq!(classes(10), "<figure");
    assert!(sheet::CSS.contains("figure.long svg{max-width:none}"));
}

#[test]
fn real_and_simulated_never_share_a_box() {
    let mut mixed = report();
    mixed.sets[1].data = DataKind::Real;
    mixed.sets[1].ceiling = None;
    let plot = mixed.box_plot().unwrap();
    assert_eq!(plot.groups.iter().filter(|group| group.name == "CNN").count(), 2);
    assert!(plot.groups.iter().all(|group| group.values.len() == 1 || group.published.is_some()));
}
