//! Reads everything that a scan is given, and says everything that is wrong with it in one run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::files::Files;
use super::further::Languages;
use super::given::{Given, Pace};
use super::library::{Library, vocabulary};
use super::weigh;
use crate::catalogue::Catalogue;
use crate::controls::Framework;
use crate::engine::Examining;
use crate::engine::programs::Program;
use crate::facts::Vocabulary;
use crate::inventory::waivers::Waiver;
use crate::inventory::{self, Inventory};
use crate::model::complaint::{Complaint, Source, nearest};
use crate::model::digest::Digest;
use crate::model::moment::Moment;
use crate::model::net::HostId;
use crate::model::plan::{Limits, Plan};
use crate::plan::{self, Asked, Guide, Inputs, Wish};
use crate::plugins::{Plugin, Plugins};
use crate::probe::{self, Probe};
use crate::profile::Profile;
use crate::review::PackLine;
use crate::scope::{Authorisation, Scope, Setup};
use crate::yaml::{Document, Node};

/// The profile when none is named.
const PROFILE: &str = "baseline";

/// The checks and the profile that are in use.
pub(crate) struct Rulebook {
    /// What the checks speak of, with the profile's parameters.
    pub(crate) vocabulary: Vocabulary,
    pub(crate) catalogue: Catalogue,
    pub(crate) profile: Profile,
    pub(crate) frameworks: Vec<Framework>,
    /// Where all that comes from.
    pub(crate) packs: Vec<PackLine>,
    /// The file of plug-ins, where one was given.
    plugins: Option<Document<Plugins>>,
}

/// Everything that a scan is given, read and held against each other.
pub(crate) struct Loaded {
    pub(crate) inventory: Inventory,
    pub(crate) declared_at: BTreeMap<HostId, (String, u32)>,
    /// The operator's own certificate authorities, as PEM.
    pub(crate) trust: Vec<String>,
    pub(crate) authorisations: Vec<Authorisation>,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) rulebook: Rulebook,
    pub(crate) scope: Scope,
    /// Where those probes go that checks write down.
    pub(crate) guide: Arc<Guide>,
    /// Every probe: the built-in ones, after them those that checks write down, and those of plug-ins.
    pub(crate) probes: Vec<Probe>,
    /// The programs of the plug-ins, verified.
    pub(crate) programs: Vec<Program>,
    pub(crate) vantage: String,
    /// How we make ourselves known: `user-agent`, `ehlo-name`.
    pub(crate) identity: BTreeMap<String, String>,
    /// Whether the ports that the inventory declares are asked besides those of the profile.
    pub(crate) declared: bool,
    /// How ports are examined.
    pub(crate) examining: Examining,
    resolvers: Vec<IpAddr>,
    pace: Limits,
}

impl Loaded {
    /// Reads everything; `now` is when ad-hoc leave begins.
    ///
    /// # Errors
    /// Everything that is wrong in all the files.
    pub(crate) fn read(
        given: &Given,
        languages: &Languages,
        now: Moment,
    ) -> Result<Self, Vec<Complaint>> {
        Self::by(rulebook(given, languages), given, now)
    }

    /// Reads everything but checks and profile, which are these.
    ///
    /// # Errors
    /// Everything that is wrong in all the files, with the checks and the profile too.
    pub(crate) fn by(
        rulebook: Result<Rulebook, Vec<Complaint>>,
        given: &Given,
        now: Moment,
    ) -> Result<Self, Vec<Complaint>> {
        let mut wrong = Vec::new();
        let files = keep(read_files(given), &mut wrong);
        let rulebook = keep(rulebook, &mut wrong);
        if let (Some(files), Some(rulebook)) = (&files, &rulebook) {
            wrong.extend(files.unknown_checks(&rulebook.catalogue));
        }
        let plugins = rulebook.as_ref().and_then(|book| book.plugins.as_ref());
        let programs = plugins.map_or(Ok(Vec::new()), verified);
        let programs = keep(programs, &mut wrong).unwrap_or_default();
        let resolvers =
            if given.resolver.is_empty() { system_resolvers() } else { given.resolver.clone() };
        let Some(Files { inventory: Some(mut declared), authorisations: leaves, waivers }) = files
        else {
            return Err(wrong);
        };
        if let Some(only) = &given.only {
            wrong.extend(keep_only(&mut declared.inventory, only));
        }
        let listed: Vec<HostId> =
            declared.inventory.hosts.iter().map(|host| host.id.clone()).collect();
        let strangers = declared.inventory.strangers().unwrap_or_default();
        declared.inventory.hosts.extend(strangers);
        let trust = keep(read_trust(given, &declared.inventory), &mut wrong).unwrap_or_default();
        let vantage = keep(vantage(given, &declared.inventory), &mut wrong).unwrap_or_default();
        let pace = given.limits.or(given.pace.map(Pace::limits));
        let ad_hoc = given.authorised_by.as_ref().and_then(|by| {
            let pace = pace.or(rulebook.as_ref().map(|book| book.profile.limits))?;
            let leave = Authorisation::ad_hoc(by, listed.clone(), pace, now);
            let mut leave = keep(leave.map_err(|one| vec![one]), &mut wrong)?;
            leave.scope.search.clone_from(&declared.inventory.search);
            Some(leave)
        });
        let Some(rulebook) = rulebook.filter(|_| wrong.is_empty()) else { return Err(wrong) };
        let authorisations: Vec<Authorisation> =
            leaves.into_iter().map(|leave| leave.value).chain(ad_hoc).collect();
        let pace = pace.unwrap_or(rulebook.profile.limits);
        let scope = Scope::new(&Setup {
            inventory: &declared.inventory,
            authorisations: &authorisations,
            resolvers: &resolvers,
            pace,
        });
        let wishes = rulebook.profile.chosen.iter().filter_map(|chosen| {
            let asking = Arc::new(chosen.asking()?);
            Some(Wish { check: Arc::clone(&chosen.check), params: chosen.params.clone(), asking })
        });
        let authorities = weigh::authorities(&trust).map_err(|one| vec![one])?;
        let guide =
            Guide::new(&declared.inventory, &rulebook.vocabulary, &authorities, wishes.collect());
        let of_plugins = programs.iter().map(|program| probe::plugin::probe(&program.plugin));
        let probes = probe::built_in().into_iter().chain(guide.probes()).chain(of_plugins);
        let path = declared.source.path.display().to_string().replace('\\', "/");
        let lines = declared.lines.into_iter().map(|(host, line)| (host, (path.clone(), line)));
        Ok(Self {
            declared_at: lines.collect(),
            inventory: declared.inventory,
            trust,
            authorisations,
            waivers: waivers.into_iter().flat_map(|file| file.value.waivers).collect(),
            rulebook,
            scope,
            guide: Arc::new(guide),
            probes: probes.collect(),
            programs,
            vantage,
            identity: identity(given),
            declared: true,
            examining: Examining::default(),
            resolvers,
            pace,
        })
    }

    /// The scope as it will be once everybody has signed: for showing what leave is asked for, never for a scan.
    pub(crate) fn once_signed(&self) -> Scope {
        let mut authorisations = self.authorisations.clone();
        for entitled in authorisations.iter_mut().flat_map(|leave| &mut leave.entitled) {
            entitled.name.clone_from(&entitled.party);
        }
        Scope::new(&Setup {
            inventory: &self.inventory,
            authorisations: &authorisations,
            resolvers: &self.resolvers,
            pace: self.pace,
        })
    }

    /// The authorisations that somebody has still to sign.
    pub(crate) fn unsigned(&self) -> Vec<&str> {
        let open = |leave: &&Authorisation| leave.entitled.iter().any(|one| !one.has_signed());
        self.authorisations.iter().filter(open).map(|leave| leave.id.as_str()).collect()
    }

    /// The pace that is promised.
    pub(crate) fn limits(&self) -> Limits {
        self.scope.limits()
    }

    /// The plan, as the scope stands at `at`.
    pub(crate) fn plan(&self, made: Moment, at: Moment) -> Plan {
        self.plan_within(&self.scope, made, at)
    }

    /// The plan for those checks instead of the profile's.
    pub(crate) fn plan_for(&self, asked: &[Asked], now: Moment) -> Plan {
        self.plan_by(asked, &self.scope, now, now)
    }

    /// The plan, as that scope would stand at `at`.
    pub(crate) fn plan_within(&self, scope: &Scope, made: Moment, at: Moment) -> Plan {
        let asked = plan::asked(&self.rulebook.profile, &self.rulebook.vocabulary);
        self.plan_by(&asked, scope, made, at)
    }

    fn plan_by(&self, asked: &[Asked], scope: &Scope, made: Moment, at: Moment) -> Plan {
        plan::plan(&Inputs {
            inventory: &self.inventory,
            profile: &self.rulebook.profile.name,
            checks: asked,
            ports: &self.rulebook.profile.ports,
            declared: self.declared,
            class: self.rulebook.profile.class,
            limits: self.limits(),
            probes: &self.probes.iter().collect::<Vec<_>>(),
            guide: Some(&self.guide),
            allows: &|want| scope.allows(want, at),
            resolves: &|host| scope.resolves(host, at),
            vantage: &self.vantage,
            resolvers: &self.resolvers,
            now: made,
        })
    }

    /// What a resumed scan must find unchanged, by what it is of.
    pub(crate) fn digests(&self, plan: &Plan) -> BTreeMap<String, Digest> {
        let json = |value: serde_json::Result<Vec<u8>>| value.unwrap_or_default();
        let inventory = json(serde_json::to_vec(&self.inventory));
        let trust = self.trust.iter().map(String::as_bytes);
        let parts = std::iter::once(inventory.as_slice()).chain(trust);
        let of = |name: &str, digest| (name.to_owned(), digest);
        let plugins: Vec<&Plugin> = self.programs.iter().map(|program| &*program.plugin).collect();
        let plugins = of("plugins", Digest::of(&json(serde_json::to_vec(&plugins))));
        // Books of scans without any say nothing of them.
        let plugins = (!self.programs.is_empty()).then_some(plugins);
        let all = [
            of("inventory", Digest::of_parts(parts)),
            of("authorisation", Digest::of(&json(serde_json::to_vec(&self.authorisations)))),
            of("profile", self.rulebook.profile.digest),
            of("catalogue", self.rulebook.catalogue.digest()),
            of("plan", Digest::of(&json(serde_json::to_vec(plan)))),
            // The vendor was told as whom we come.
            of("identity", Digest::of(&json(serde_json::to_vec(&self.identity)))),
        ];
        all.into_iter().chain(plugins).collect()
    }

    /// The hosts that no authorisation speaks of, each with the rule.
    pub(crate) fn uncovered(&self) -> Vec<(HostId, String)> {
        let hosts = self.inventory.hosts.iter();
        hosts
            .filter_map(|host| Some((host.id.clone(), self.scope.covers(&host.id).err()?.rule)))
            .collect()
    }
}

/// The checks and the profile of that name.
///
/// # Errors
/// Everything that is wrong in any of their files.
pub(crate) fn rulebook(given: &Given, languages: &Languages) -> Result<Rulebook, Vec<Complaint>> {
    let (mut library, mut wrong) = Library::open(&given.folders());
    wrong.extend(library.learn(languages));
    Rulebook::of(library, given.profile.as_deref().unwrap_or(PROFILE), wrong)
}

impl Rulebook {
    /// The checks of a library with one of its profiles; what was wrong before stays wrong.
    ///
    /// # Errors
    /// That, and everything that is wrong with the profile.
    pub(crate) fn of(
        library: Library,
        profile: &str,
        mut wrong: Vec<Complaint>,
    ) -> Result<Self, Vec<Complaint>> {
        let profile = keep(library.profile(profile), &mut wrong);
        let (frameworks, complaints) = library.frameworks();
        wrong.extend(complaints);
        let Library { catalogue, packs, plugins, .. } = library;
        match profile {
            Some(profile) if wrong.is_empty() => {
                let vocabulary = profile.vocabulary(&catalogue);
                Ok(Self { vocabulary, catalogue, profile, frameworks, packs, plugins })
            }
            _ => Err(wrong),
        }
    }

    /// No check at all, and that profile, for a command that asks none: the others take a while to be read.
    pub(crate) fn bare(profile: Profile) -> Self {
        let (catalogue, _) = Catalogue::read(&[], &vocabulary(&[]));
        Self {
            vocabulary: catalogue.vocabulary().clone(),
            catalogue,
            profile,
            frameworks: Vec::new(),
            packs: Vec::new(),
            plugins: None,
        }
    }
}

/// The programs of plug-ins, each held against the digest by which it is allowed.
///
/// # Errors
/// Those that cannot be read, or are others.
fn verified(file: &Document<Plugins>) -> Result<Vec<Program>, Vec<Complaint>> {
    let nodes = file.tree.field("plugins").map(Node::items).unwrap_or_default();
    let mut programs = Vec::new();
    let mut wrong = Vec::new();
    for (plugin, node) in file.value.plugins.iter().zip(nodes) {
        match Program::read(Arc::new(plugin.clone())) {
            Ok(program) => programs.push(program),
            Err(why) => {
                let title = format!(
                    "`{}` is not the program that is allowed here: {why}",
                    plugin.program.display()
                );
                let at = node.field("sha256").unwrap_or(node).mark();
                let help = "find out who changed it; write the new digest only if you trust it";
                wrong.push(Complaint::at(&file.source, at, title).help(help));
            }
        }
    }
    if wrong.is_empty() { Ok(programs) } else { Err(wrong) }
}

/// Leaves every host but one out of the inventory; a complaint where it is not there.
fn keep_only(inventory: &mut Inventory, only: &str) -> Option<Complaint> {
    if !inventory.hosts.iter().any(|host| host.id.0 == only) {
        let known: Vec<&str> = inventory.hosts.iter().map(|host| host.id.0.as_str()).collect();
        let near = nearest(only, known.iter().copied());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let title = format!("the inventory has no host `{only}`{near}");
        return Some(Complaint::nowhere(title).help(format!("its hosts: {}", known.join(", "))));
    }
    inventory.hosts.retain(|host| host.id.0 == only);
    inventory.search.clear();
    None
}

/// The value, or its complaints added to the others.
fn keep<T>(read: Result<T, Vec<Complaint>>, wrong: &mut Vec<Complaint>) -> Option<T> {
    read.map_err(|complaints| wrong.extend(complaints)).ok()
}

/// The inventory, the authorisations and the waivers.
fn read_files(given: &Given) -> Result<Files, Vec<Complaint>> {
    let inventory = given.inventory.as_deref();
    let files = Files::read(inventory, &given.authorisation, given.waivers.as_slice());
    if inventory.is_some() {
        return files;
    }
    let mut wrong = Vec::new();
    let files = keep(files, &mut wrong);
    let typed = keep(read_typed(&given.hosts), &mut wrong);
    match (files, typed) {
        (Some(files), Some(typed)) => {
            let files = Files { inventory: Some(typed), ..files };
            wrong.extend(files.against_each_other());
            if wrong.is_empty() { Ok(files) } else { Err(wrong) }
        }
        _ => Err(wrong),
    }
}

fn read_typed(hosts: &[String]) -> Result<inventory::Loaded, Vec<Complaint>> {
    if hosts.is_empty() {
        let nothing = Complaint::nowhere("there is nothing to scan")
            .help("name an inventory: --inventory inventory.yaml (`postern init` writes one)")
            .help("or type hosts and who gave leave: www.example.org=192.0.2.10 --authorised-by \"A. Chan, by mail\"");
        return Err(vec![nothing]);
    }
    inventory::read(&Arc::new(Source { path: "command-line".into(), text: typed(hosts) }))
}

/// The inventory of typed hosts, each an address, or a name with the address that leave is given for:
/// `www.example.org=192.0.2.10`; and of networks that are searched for hosts: `192.0.2.0/28`.
fn typed(hosts: &[String]) -> String {
    let mut text = String::from(
        "schema: postern/inventory/v1\noperator: {id: command-line, name: {en: typed on the command line}}\nhosts:\n",
    );
    let (networks, hosts): (Vec<&String>, Vec<&String>) =
        hosts.iter().partition(|host| host.parse::<IpNet>().is_ok());
    if !networks.is_empty() {
        let networks = networks.into_iter().map(String::as_str).collect::<serde_json::Value>();
        text = text.replace("hosts:\n", &format!("search: {networks}\nhosts:\n"));
    }
    if hosts.is_empty() {
        return text.replace("hosts:\n", "hosts: []\n");
    }
    for host in hosts {
        let (name, addresses) = match host.split_once('=') {
            Some((name, addresses)) => (Some(name), addresses.split(',').collect()),
            None if host.parse::<IpAddr>().is_ok() => (None, vec![host.as_str()]),
            None => (Some(host.as_str()), Vec::new()),
        };
        let id: String = name
            .unwrap_or(host)
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-', "-");
        // What JSON writes, YAML reads: no typed text can be more than a text.
        let quoted = |text: &str| serde_json::Value::from(text.trim()).to_string();
        let _ = writeln!(text, "  - id: {}", quoted(&id));
        if let Some(name) = name {
            let _ = writeln!(text, "    names: [{}]", quoted(name));
        }
        if !addresses.is_empty() {
            let addresses: Vec<String> = addresses.into_iter().map(quoted).collect();
            let _ = writeln!(text, "    addresses: [{}]", addresses.join(", "));
        }
    }
    text
}

/// The certificate authorities that the inventory trusts; paths are from its own folder.
fn read_trust(given: &Given, inventory: &Inventory) -> Result<Vec<String>, Vec<Complaint>> {
    let folder = given.inventory.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let read = |path: &String| {
        let path = folder.join(path);
        let wrong = |why: String| {
            Complaint::nowhere(format!("{} is trusted by the inventory, but {why}", path.display()))
        };
        let text = fs::read_to_string(&path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
        match authorities(std::slice::from_ref(&text)) {
            Ok(found) if !found.is_empty() => Ok(text),
            Ok(_) => Err(wrong("holds no certificate in PEM".into())),
            Err(why) => Err(wrong(why)),
        }
    };
    let (good, bad): (Vec<_>, Vec<_>) = inventory.trust.iter().map(read).partition(Result::is_ok);
    let bad: Vec<Complaint> = bad.into_iter().filter_map(Result::err).collect();
    if bad.is_empty() { Ok(good.into_iter().filter_map(Result::ok).collect()) } else { Err(bad) }
}

/// The certificates of PEM texts, each DER.
///
/// # Errors
/// In words, when one is not PEM.
pub(crate) fn authorities(pems: &[String]) -> Result<Vec<Vec<u8>>, String> {
    let all = pems.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()));
    all.map(|one| one.map(|der| der.to_vec()).map_err(|wrong| format!("is not PEM: {wrong}")))
        .collect()
}

/// From where the scan is made: the vantage named, the only one there is, or `here`.
fn vantage(given: &Given, inventory: &Inventory) -> Result<String, Vec<Complaint>> {
    let known: Vec<&str> = inventory.vantages.iter().map(|one| one.id.as_str()).collect();
    match (&given.vantage, known.as_slice()) {
        (Some(name), _) if known.contains(&name.as_str()) => Ok(name.clone()),
        (Some(name), _) => {
            let near = nearest(name, known.iter().copied());
            let mean = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let has = match known.as_slice() {
                [] => {
                    "it declares none: leave --vantage out, or declare it under `vantages`".into()
                }
                known => format!("it has {}", known.join(", ")),
            };
            let one = Complaint::nowhere(format!("the inventory has no vantage `{name}`{mean}"));
            Err(vec![one.help(has)])
        }
        (None, []) => Ok("here".into()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, several) => Err(vec![
            Complaint::nowhere("the inventory has several vantages, and none was named").help(
                format!("say from where this is: --vantage {}", several.join(" or --vantage ")),
            ),
        ]),
    }
}

/// How we make ourselves known.
fn identity(given: &Given) -> BTreeMap<String, String> {
    let version = env!("CARGO_PKG_VERSION");
    let agent = given.user_agent.clone();
    let agent = agent.unwrap_or_else(|| {
        format!("Postern/{version} (security review on behalf of the operator)")
    });
    let ehlo = given.ehlo_name.clone().unwrap_or_else(|| "postern.invalid".into());
    BTreeMap::from([("user-agent".into(), agent), ("ehlo-name".into(), ehlo)])
}

/// The resolvers that this machine is set up to ask (resolv.conf(5)); an address with a zone is left out.
fn system_resolvers() -> Vec<IpAddr> {
    let text = fs::read_to_string(PathBuf::from("/etc/resolv.conf")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines.filter_map(|address| address.trim().parse().ok()).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_hosts_are_an_inventory() {
        let hosts =
            ["192.0.2.1", "::1", "www.example.org=192.0.2.2,2001:db8::2", "mail.example.org"];
        let given = Given { hosts: hosts.map(str::to_owned).to_vec(), ..Given::default() };
        let read = read_typed(&given.hosts).expect("an inventory").inventory;
        let ids: Vec<&str> = read.hosts.iter().map(|host| host.id.0.as_str()).collect();
        assert_eq!(ids, ["192.0.2.1", "--1", "www.example.org", "mail.example.org"]);
        assert_eq!(read.hosts[2].addresses.len(), 2);
        assert_eq!(read.hosts[2].names, ["www.example.org"]);
    }

    #[test]
    fn a_typed_host_cannot_be_more_than_a_host() {
        let hosts = vec!["a\n    fragile: true".to_owned()];
        let given = Given { hosts, ..Given::default() };
        assert!(read_typed(&given.hosts).is_err());
    }

    #[test]
    fn everything_wrong_is_said_in_one_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let bad = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "schema: postern/nothing/v1\n").expect("writable");
            path
        };
        let given = Given {
            inventory: Some(bad("inventory.yaml")),
            authorisation: vec![bad("a.yaml"), "missing.yaml".into()],
            waivers: Some(bad("w.yaml")),
            ..Given::default()
        };
        let wrong = Loaded::read(&given, &Languages::default(), Moment::from_unix_seconds(0))
            .err()
            .expect("all are bad");
        let about = |name: &str| {
            wrong.iter().any(|one| {
                one.title.contains(name)
                    || one.at.as_ref().is_some_and(|(source, _)| source.path.ends_with(name))
            })
        };
        for name in ["inventory.yaml", "a.yaml", "missing.yaml", "w.yaml"] {
            assert!(about(name), "{name}");
        }
    }
}
