//! Flattening: a profile and all that it extends become one table, whose every cell knows the line that set it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::file::ProfileFile;
use super::{Chosen, GateRule, Link, Loosened, OutOfSight, Profile, ports, select};
use crate::catalogue::{Catalogue, Check, File, Reader, misnamed};
use crate::model::complaint::Complaint;
use crate::model::digest::Digest;
use crate::model::net::{CheckId, port_ranges};
use crate::model::plan::{Class, Limits};
use crate::model::severity::{Degree, Gate};
use crate::model::value::Value;
use crate::yaml::{self, Document, Node};

/// What a profile is when no file says otherwise.
const GATE: GateRule = GateRule {
    coverage_percent: 90,
    inconclusive_percent: 5,
    many_medium: 20,
    out_of_sight: OutOfSight::Open,
};
const DUE_DAYS: [u32; 4] = [7, 14, 90, 180];

/// How many profiles may extend each other in a row: more than anybody can follow.
const DEEPEST: usize = 16;

/// Reads a profile with all that it inherits.
pub(super) fn read(
    name: &str,
    files: &[File],
    catalogue: &Catalogue,
) -> Result<Profile, Vec<Complaint>> {
    let mut gathered =
        Gathered { files, layers: Vec::new(), open: Vec::new(), complaints: Vec::new() };
    gathered.take(name, None);
    let Gathered { layers, mut complaints, .. } = gathered;
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut table = Table::new(catalogue);
    for layer in &layers {
        let mut applied =
            Layer { document: layer, reader: Reader::new(&layer.source), table: &mut table };
        applied.apply();
        complaints.extend(applied.reader.complaints);
    }
    let Some(last) = layers.last() else { return Err(complaints) };
    if table.rows.values().all(|row| !row.chosen) && complaints.is_empty() {
        complaints.push(
            last.complaint(&["select"], "this profile chooses no check")
                .help("name some under `select`, or a profile under `extends`"),
        );
    }
    complaints.extend(table.too_strong(last));
    if complaints.is_empty() { Ok(table.profile(name, last)) } else { Err(complaints) }
}

/// The files of a profile, ancestors first, each once.
struct Gathered<'f> {
    files: &'f [File],
    layers: Vec<Document<ProfileFile>>,
    open: Vec<String>,
    complaints: Vec<Complaint>,
}

impl Gathered<'_> {
    /// Takes a profile after those that it extends; `asked` is where its name stands.
    fn take(&mut self, name: &str, asked: Option<&Complaint>) {
        let complain = |title: String| match asked {
            Some(at) => Complaint { title, ..at.clone() },
            None => Complaint::nowhere(title),
        };
        if let Some(start) = self.open.iter().position(|open| open == name) {
            let mut circle = self.open.get(start..).unwrap_or_default().to_vec();
            circle.push(name.to_owned());
            let title = format!("profiles extend each other: {}", circle.join(" → "));
            self.complaints.push(complain(title).help("take one of them out of `extends`"));
            return;
        }
        if self.open.len() >= DEEPEST {
            let title = format!("more than {DEEPEST} profiles extend each other in a row");
            self.complaints.push(complain(title).help("extend a profile that stands nearer"));
            return;
        }
        let Some(file) = self.files.iter().rev().find(|file| file.id == name) else {
            let mut known: Vec<&str> = self.files.iter().map(|file| file.id.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            let title = misnamed(name, "is not a profile", known.iter().copied());
            let help = format!("the profiles: {}", known.join(", "));
            self.complaints.push(complain(title).help(help));
            return;
        };
        if self.layers.iter().any(|layer| Arc::ptr_eq(&layer.source, &file.source)) {
            return;
        }
        match yaml::read::<ProfileFile>(&file.source) {
            Err(complaints) => self.complaints.extend(complaints),
            Ok(document) => {
                self.open.push(name.to_owned());
                for (place, parent) in document.value.extends.iter().enumerate() {
                    let at = document.complaint(&["extends", &place.to_string()], "");
                    self.take(parent, Some(&at));
                }
                self.open.pop();
                self.layers.push(document);
            }
        }
    }
}

/// The settings of one check as they stand.
struct Row {
    check: Arc<Check>,
    chosen: bool,
    params: Vec<Value>,
    impact: Degree,
    likelihood: Degree,
    gate: Gate,
}

/// Everything as it stands after some layers.
struct Table<'c> {
    catalogue: &'c Catalogue,
    rows: BTreeMap<CheckId, Row>,
    ports: Vec<u16>,
    class: Class,
    limits: Limits,
    gate: GateRule,
    due_days: [u32; 4],
    loosened: Vec<Loosened>,
    chain: Vec<Link>,
}

impl<'c> Table<'c> {
    fn new(catalogue: &'c Catalogue) -> Self {
        let row = |check: &Arc<Check>| Row {
            check: Arc::clone(check),
            chosen: false,
            params: check.defaults(),
            impact: check.impact,
            likelihood: check.likelihood,
            gate: Gate::Counts,
        };
        Self {
            catalogue,
            rows: catalogue.checks().iter().map(|check| (check.id.clone(), row(check))).collect(),
            ports: Vec::new(),
            class: Class::ReadOnly,
            limits: Limits::NORMAL,
            gate: GATE,
            due_days: DUE_DAYS,
            loosened: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// What is wrong where a check that was chosen does more to a peer than the profile wants.
    fn too_strong(&self, last: &Document<ProfileFile>) -> Option<Complaint> {
        let strong = |row: &&Row| {
            let recipe = row.check.recipe();
            row.chosen && recipe.is_some_and(|recipe| recipe.class > self.class)
        };
        let names: Vec<&str> =
            self.rows.values().filter(strong).map(|row| row.check.id.0.as_str()).collect();
        if names.is_empty() {
            return None;
        }
        let place = if last.tree.field("class").is_some() { "class" } else { "select" };
        let title = format!(
            "the probes of these checks are above the profile's class: {}",
            names.join(", ")
        );
        let help = "leave them out under `without`, with the reason, or raise `class`";
        Some(last.complaint(&[place], title).help(help))
    }

    fn profile(self, name: &str, last: &Document<ProfileFile>) -> Profile {
        let chosen: Vec<Chosen> = self
            .rows
            .into_values()
            .filter(|row| row.chosen)
            .map(|row| Chosen {
                check: row.check,
                params: row.params,
                impact: row.impact,
                likelihood: row.likelihood,
                gate: row.gate,
            })
            .collect();
        let mut profile = Profile {
            name: name.to_owned(),
            title: last.value.title.clone(),
            digest: Digest::of(b""),
            chosen,
            ports: self.ports,
            class: self.class,
            limits: self.limits,
            gate: self.gate,
            due_days: self.due_days,
            loosened: self.loosened,
            chain: self.chain,
        };
        profile.digest = digest(&profile);
        profile
    }
}

/// The digest of what a profile comes to, however its files say it.
fn digest(profile: &Profile) -> Digest {
    let mut lines = vec![
        profile.name.clone(),
        port_ranges(&profile.ports),
        format!(
            "{:?} {:?} {:?} {:?}",
            profile.class, profile.limits, profile.gate, profile.due_days
        ),
    ];
    for chosen in &profile.chosen {
        let Chosen { check, params, impact, likelihood, gate } = chosen;
        let params: Vec<String> = params.iter().map(ToString::to_string).collect();
        lines.push(format!("{} {} {impact:?} {likelihood:?} {gate:?}", check.id, check.revision));
        lines.push(params.join("\n"));
    }
    Digest::of_parts(lines.iter().map(String::as_bytes))
}

/// One file, while it is applied to the table.
struct Layer<'l, 'c> {
    document: &'l Document<ProfileFile>,
    reader: Reader<'l>,
    table: &'l mut Table<'c>,
}

impl<'l> Layer<'l, '_> {
    fn apply(&mut self) {
        self.select();
        self.leave_out();
        for name in self.document.value.set.keys() {
            self.set(name);
        }
        self.gate();
        self.pace();
        self.due();
    }

    fn node(&self, path: &[&str]) -> &'l Node {
        self.document.tree.at(path).unwrap_or(&self.document.tree)
    }

    /// Where a node stands, as `profiles/dhc-vendor.yaml:12`.
    fn line(&self, node: &Node) -> String {
        let (line, _) = self.document.source.line_column(node.mark().start);
        format!("{}:{line}", self.document.source.path.display())
    }

    /// Notes which line set what.
    fn link(&mut self, check: Option<&CheckId>, what: &str, value: String, node: &Node) {
        let at = self.line(node);
        self.table.chain.push(Link { check: check.cloned(), what: what.into(), value, at });
    }

    /// Takes note of a setting that is laxer than before; it needs a reason.
    fn loosen(&mut self, check: Option<&CheckId>, what: String, why: Option<&str>, node: &Node) {
        match why.filter(|why| !why.trim().is_empty()) {
            Some(why) => {
                let at = self.line(node);
                let check = check.cloned().unwrap_or_else(|| CheckId("*".into()));
                self.table.loosened.push(Loosened { check, what, why: why.into(), at });
            }
            None => self.reader.wrong(
                node,
                format!("this makes `{what}` laxer and says no reason"),
                "add `why: …`; it stands in the review under what was loosened",
            ),
        }
    }

    /// The checks that a pattern means; none is a mistake.
    fn meant(&mut self, pattern: &str, node: &Node) -> Vec<CheckId> {
        match select::meant(pattern, self.table.catalogue) {
            Ok(found) => found.into_iter().map(|check| check.id.clone()).collect(),
            Err(title) => {
                self.reader.wrong(node, title, "`postern check list` shows every check");
                Vec::new()
            }
        }
    }

    fn select(&mut self) {
        for (place, pattern) in self.document.value.select.iter().enumerate() {
            let node = self.node(&["select", &place.to_string()]);
            for id in self.meant(pattern, node) {
                let fresh = self
                    .table
                    .rows
                    .get_mut(&id)
                    .is_some_and(|row| !std::mem::replace(&mut row.chosen, true));
                if fresh {
                    self.link(Some(&id), "chosen", format!("by `{pattern}`"), node);
                }
            }
        }
    }

    fn leave_out(&mut self) {
        for (place, out) in self.document.value.without.iter().enumerate() {
            let node = self.node(&["without", &place.to_string(), "check"]);
            let meant = self.meant(&out.check, node);
            let mut any = meant.is_empty();
            for id in meant {
                let was = self
                    .table
                    .rows
                    .get_mut(&id)
                    .is_some_and(|row| std::mem::replace(&mut row.chosen, false));
                if was {
                    any = true;
                    self.link(Some(&id), "chosen", "left out".into(), node);
                    self.loosen(Some(&id), "without".into(), Some(&out.why), node);
                }
            }
            if !any {
                let title = format!("`{}` was not chosen, so it cannot be left out", out.check);
                self.reader.wrong(node, title, "take this entry out");
            }
        }
    }

    fn set(&mut self, name: &str) {
        let node = self.node(&["set", name]);
        let key = self.key(name, node);
        let id = CheckId(name.to_owned());
        let Some(check) = self.table.rows.get(&id).map(|row| Arc::clone(&row.check)) else {
            let known = self.table.catalogue.checks().iter().map(|check| check.id.0.as_str());
            let title = misnamed(name, "is not a check", known);
            self.reader.wrong(key, title, "`postern check list` shows every check");
            return;
        };
        if !self.table.rows.get(&id).is_some_and(|row| row.chosen) {
            let title = format!("`{name}` is set here, and no `select` chooses it");
            self.reader.wrong(key, title, "add it to `select`, or take the setting out");
            return;
        }
        let Some(setting) = self.document.value.set.get(name) else { return };
        let why = setting.why.as_deref();
        if let Some(impact) = setting.impact {
            self.degree(&id, "impact", impact, why, |row| &mut row.impact);
        }
        if let Some(likelihood) = setting.likelihood {
            self.degree(&id, "likelihood", likelihood, why, |row| &mut row.likelihood);
        }
        for entry in node.field("params").map(Node::entries).unwrap_or_default() {
            self.param(&check, entry, why);
        }
    }

    /// The key of a setting, to point at.
    fn key(&self, name: &str, otherwise: &'l Node) -> &'l Node {
        let set = self.document.tree.field("set").map(Node::entries).unwrap_or_default();
        set.iter().find(|entry| entry.name() == name).map_or(otherwise, |entry| &entry.key)
    }

    fn degree(
        &mut self,
        id: &CheckId,
        what: &str,
        degree: Degree,
        why: Option<&str>,
        of: fn(&mut Row) -> &mut Degree,
    ) {
        let node = self.node(&["set", &id.0, what]);
        let Some(row) = self.table.rows.get_mut(id) else { return };
        let before = std::mem::replace(of(row), degree);
        self.link(Some(id), what, super::word(degree).into(), node);
        if degree < before {
            self.loosen(Some(id), what.into(), why, node);
        }
    }

    fn param(&mut self, check: &Check, entry: &yaml::Entry, why: Option<&str>) {
        let Some(place) = check.params.iter().position(|param| param.name == entry.name()) else {
            let known: Vec<&str> = check.params.iter().map(|param| param.name.as_str()).collect();
            let what = format!("is not a parameter of `{}`", check.id);
            let title = misnamed(entry.name(), &what, known.iter().copied());
            let help = match known.as_slice() {
                [] => "it has none".to_owned(),
                known => format!("its parameters: {}", known.join(", ")),
            };
            return self.reader.wrong(&entry.key, title, &help);
        };
        let Some(param) = check.params.get(place) else { return };
        let Some(value) = self.reader.value(&entry.value, &param.of) else { return };
        let row = self.table.rows.get_mut(&check.id).and_then(|row| row.params.get_mut(place));
        let Some(cell) = row else { return };
        if let Some(why) = param.bounds.refuse(&value) {
            let help = format!("`{}` of `{}`: {}", param.name, check.id, param.bounds.words());
            return self.reader.wrong(&entry.value, why, &help);
        }
        let what = format!("params.{}", param.name);
        let looser = param.stricter.is_some_and(|way| way.is_looser(cell, &value));
        let shown = value.to_string();
        *cell = value;
        self.link(Some(&check.id), &what, shown, &entry.value);
        if looser {
            self.loosen(Some(&check.id), what, why, &entry.value);
        }
    }

    fn gate(&mut self) {
        let Some(gate) = &self.document.value.gate else { return };
        for (place, pattern) in gate.checks.iter().enumerate() {
            let node = self.node(&["gate", "checks", &place.to_string()]);
            for id in self.meant(pattern, node) {
                self.turn(&id, Gate::Stops, node);
            }
        }
        for (place, out) in gate.without.iter().enumerate() {
            let node = self.node(&["gate", "without", &place.to_string(), "check"]);
            for id in self.meant(&out.check, node) {
                if self.turn(&id, Gate::Counts, node) {
                    self.loosen(Some(&id), "gate".into(), Some(&out.why), node);
                }
            }
        }
        let why = gate.why.as_deref();
        let before = self.table.gate;
        if let Some(percent) = gate.coverage {
            self.percent("coverage", percent);
            self.table.gate.coverage_percent = percent;
            self.number("coverage", percent.into(), percent < before.coverage_percent, why);
        }
        if let Some(percent) = gate.inconclusive {
            self.percent("inconclusive", percent);
            self.table.gate.inconclusive_percent = percent;
            self.number("inconclusive", percent.into(), percent > before.inconclusive_percent, why);
        }
        if let Some(many) = gate.many_medium {
            self.table.gate.many_medium = many.into();
            self.number("many-medium", many.into(), u64::from(many) > before.many_medium, why);
        }
        if let Some(sight) = gate.out_of_sight {
            self.table.gate.out_of_sight = sight;
            let node = self.node(&["gate", "out-of-sight"]);
            self.link(None, "gate.out-of-sight", node.text().unwrap_or("").to_owned(), node);
            if sight == OutOfSight::Borne && before.out_of_sight == OutOfSight::Open {
                self.loosen(None, "gate.out-of-sight".into(), why, node);
            }
        }
    }

    /// Makes a check a gate or no gate any more; says whether that is a change.
    fn turn(&mut self, id: &CheckId, gate: Gate, node: &Node) -> bool {
        let row = self.table.rows.get_mut(id).filter(|row| row.chosen);
        let changed = row.is_some_and(|row| std::mem::replace(&mut row.gate, gate) != gate);
        if changed {
            let word = if gate == Gate::Stops { "stops" } else { "counts" };
            self.link(Some(id), "gate", word.into(), node);
        }
        changed
    }

    fn percent(&mut self, field: &str, percent: u8) {
        if percent > 100 {
            let node = self.node(&["gate", field]);
            self.reader.wrong(
                node,
                format!("{percent} per cent is more than all"),
                "write 0 to 100",
            );
        }
    }

    fn number(&mut self, field: &str, number: u64, looser: bool, why: Option<&str>) {
        let node = self.node(&["gate", field]);
        let what = format!("gate.{field}");
        self.link(None, &what, number.to_string(), node);
        if looser {
            self.loosen(None, what, why, node);
        }
    }

    fn pace(&mut self) {
        let file = &self.document.value;
        if let Some(text) = &file.ports {
            let node = self.node(&["ports"]);
            match ports::read(text) {
                Ok(read) => {
                    self.table.ports = read.numbers;
                    self.link(None, "ports", text.clone(), node);
                }
                Err(title) => {
                    let names: Vec<&str> = ports::names().collect();
                    let help = format!(
                        "numbers, ranges such as 8000-8100, and the sets {}; docs/reference/ports.md says what each holds",
                        names.join(", ")
                    );
                    self.reader.wrong(node, title, &help);
                }
            }
        }
        if let Some(class) = file.class {
            self.table.class = class;
            let node = self.node(&["class"]);
            self.link(None, "class", node.text().unwrap_or("").to_owned(), node);
        }
        let Some(limits) = file.limits else { return };
        for (field, wanted) in [
            ("per-second", limits.per_second),
            ("per-host-per-second", limits.per_host_per_second),
            ("per-host-parallel", limits.per_host_parallel),
            ("per-host-talks-per-second", limits.per_host_talks_per_second),
        ] {
            let Some(wanted) = wanted else { continue };
            let table = &mut self.table.limits;
            match field {
                "per-second" => table.per_second = wanted.get(),
                "per-host-per-second" => table.per_host_per_second = wanted.get(),
                "per-host-parallel" => table.per_host_parallel = wanted.get(),
                _ => table.per_host_talks_per_second = Some(wanted.get()),
            }
            let node = self.node(&["limits", field]);
            self.link(None, &format!("limits.{field}"), wanted.to_string(), node);
        }
    }

    fn due(&mut self) {
        let Some(due) = &self.document.value.due else { return };
        let wanted = [
            ("critical", due.critical),
            ("high", due.high),
            ("medium", due.medium),
            ("low", due.low),
        ];
        for (place, (field, days)) in wanted.into_iter().enumerate() {
            let (Some(days), Some(cell)) = (days, self.table.due_days.get_mut(place)) else {
                continue;
            };
            let looser = days > std::mem::replace(cell, days);
            let node = self.node(&["due", field]);
            let what = format!("due.{field}");
            self.link(None, &what, days.to_string(), node);
            if looser {
                self.loosen(None, what, due.why.as_deref(), node);
            }
        }
    }
}
