//! Requirements made up for tests of whatever renders them: one of each outcome, with and without a note.

use std::collections::BTreeMap;

use super::{Bearing, FrameworkLine, Met, RequirementLine};
use crate::controls::Coverage;
use crate::model::moment::Moment;
use crate::model::net::CheckId;
use crate::model::said::Said;

/// Two frameworks with a few requirements.
pub(super) fn controls() -> Vec<FrameworkLine> {
    let caution = both(
        "The numbers were read from another edition than the one in force.",
        "編號取自較早的版本。",
    );
    let requirements = vec![
        requirement("A.1", Coverage::Part, Met::NotMet, &[("service/a", Bearing::Fail)]),
        requirement(
            "A.2",
            Coverage::Part,
            Met::NotSettled,
            &[("service/a", Bearing::Laxer), ("service/b", Bearing::Inconclusive)],
        ),
        requirement("A.3", Coverage::Full, Met::Met, &[("service/b", Bearing::Pass)]),
        requirement(
            "A.4",
            Coverage::Part,
            Met::Met,
            &[("service/b", Bearing::Pass), ("service/c", Bearing::NotApplicable)],
        ),
        requirement("A.5", Coverage::Manual, Met::ByHand, &[]),
    ];
    vec![
        framework("made-up", "A framework", "一個框架", requirements, Some(caution)),
        framework(
            "small",
            "A small framework",
            "一個小框架",
            vec![requirement("1.1", Coverage::Part, Met::NotSettled, &[])],
            None,
        ),
    ]
}

fn framework(
    id: &str,
    en: &str,
    zh: &str,
    requirements: Vec<RequirementLine>,
    note: Option<Said>,
) -> FrameworkLine {
    FrameworkLine {
        id: id.into(),
        name: both(en, zh),
        edition: "2026".into(),
        source: "a library of frameworks".into(),
        checked_on: Moment::from_unix_seconds(1_795_442_400),
        note,
        requirements,
    }
}

fn requirement(
    id: &str,
    coverage: Coverage,
    outcome: Met,
    checks: &[(&str, Bearing)],
) -> RequirementLine {
    let ask = both("Ask who does it, and see it done.", "請說明由誰負責，並實地查看。");
    RequirementLine {
        id: id.into(),
        title: (id == "A.1").then(|| "Boundary Protection".into()),
        about: both("What it is about, in our words.", "以我們的文字說明其內容。"),
        coverage,
        outcome,
        checks: checks.iter().map(|(id, bearing)| (CheckId((*id).into()), *bearing)).collect(),
        ask: (coverage == Coverage::Manual).then_some(ask),
    }
}

fn both(en: &str, zh: &str) -> Said {
    Said(BTreeMap::from([("en".into(), en.into()), ("zh-Hant".into(), zh.into())]))
}
