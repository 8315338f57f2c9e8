//! What there is to say about a check beyond its file: what it sends, how strong that is, where it goes, and which
//! controls it bears on. For the terminal and for the pages of the reference alike.

use crate::catalogue::Check;
use crate::controls::Framework;
use crate::facts::{Vocabulary, needs};
use crate::model::net::{Transport, port_ranges};
use crate::model::plan::{Bound, Class};
use crate::probe;

/// More ports than this are no statement of where a check looks.
const FEW: usize = 40;

/// All that.
pub(crate) struct About<'a> {
    /// Every question that must have been put, in order; its own last.
    pub(crate) asks: Vec<Asks>,
    /// The strongest class among them.
    pub(crate) class: Class,
    /// The ports that it is about; none where it is about no port in particular.
    pub(crate) ports: Option<(Transport, Vec<u16>)>,
    /// Each framework, with those of its requirements that it bears on.
    pub(crate) controls: Vec<(&'a Framework, Vec<&'a str>)>,
}

/// A question.
pub(crate) struct Asks {
    /// The probe that puts it.
    pub(crate) name: String,
    /// What is sent, in words.
    pub(crate) sends: String,
    /// How strong that is, and how much at most, in words.
    pub(crate) most: String,
    class: Class,
}

impl<'a> About<'a> {
    /// About a check as its file has it.
    pub(crate) fn new(check: &Check, vocabulary: &Vocabulary, frameworks: &'a [Framework]) -> Self {
        let kinds = check.speaks_of.iter().filter_map(|kind| vocabulary.kind(*kind));
        let names: Vec<&str> =
            kinds.filter(|kind| !kind.is_of_one_check()).flat_map(needs).collect();
        let put = probe::PROBES.iter().filter(|probe| names.contains(&&*probe.name));
        let built_in = put.map(|probe| {
            let place = if probe.over == probe::Reach::Address { "port" } else { "place" };
            Asks::new(&probe.name, &probe.sends, probe.class, probe.bound, place)
        });
        let own = check.asking(&check.defaults());
        let own = own.map(|own| Asks::new("its own", &own.sends, own.class, own.bound, "place"));
        let asks: Vec<Asks> = built_in.chain(own).collect();
        let of_framework = |framework: &'a Framework| {
            let bears = framework
                .requirements
                .iter()
                .filter(|one| one.checks.iter().any(|known| known.id == check.id));
            let ids: Vec<&str> = bears.map(|one| one.id.as_str()).collect();
            (!ids.is_empty()).then_some((framework, ids))
        };
        Self {
            class: asks.iter().map(|one| one.class).max().unwrap_or(Class::Connect),
            asks,
            ports: ports(check, vocabulary),
            controls: frameworks.iter().filter_map(of_framework).collect(),
        }
    }

    /// Where it looks, in words.
    pub(crate) fn goes(&self) -> String {
        match &self.ports {
            Some((transport, ports)) if !ports.is_empty() => {
                format!("{transport} {}", port_ranges(ports).replace(',', ", "))
            }
            _ => "no port in particular: to every one that is found open".into(),
        }
    }
}

impl Asks {
    fn new(name: &str, sends: &str, class: Class, bound: Bound, place: &str) -> Self {
        let Bound { connections, datagrams, seconds } = bound;
        let some = |count: u64, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            many => Some(format!("{many} {one}s")),
        };
        // The ports of an address are waited for all together.
        let seconds = if place == "port" { 0 } else { seconds };
        let parts =
            [some(connections, "connection"), some(datagrams, "datagram"), some(seconds, "second")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let most = format!("{}; at most {} at each {place}", word(class), parts.join(", "));
        Self { name: name.to_owned(), sends: sends.to_owned(), most, class }
    }
}

/// The ports that a check is about: those that its probe names, else those on which its `when` may hold, else those of
/// its parameter `ports`.
fn ports(check: &Check, vocabulary: &Vocabulary) -> Option<(Transport, Vec<u16>)> {
    let datagrams = check.recipe().is_some_and(|recipe| recipe.medium.is_datagrams())
        || vocabulary.kind(check.on).is_some_and(|kind| kind.name == "udp");
    let transport = if datagrams { Transport::Udp } else { Transport::Tcp };
    if let Some(found) =
        check.ports(&check.defaults(), transport, FEW).filter(|found| !found.is_empty())
    {
        return Some((transport, found));
    }
    check.named_ports().map(|named| (transport, named))
}

/// The word for a class.
pub(crate) fn word(class: Class) -> &'static str {
    match class {
        Class::Connect => "connect",
        Class::Passive => "passive",
        Class::ReadOnly => "read-only",
        Class::Intrusive => "intrusive",
    }
}

/// What a class means.
pub(crate) fn meaning(class: Class) -> &'static str {
    match class {
        Class::Connect => "opens connections and closes them, and says nothing",
        Class::Passive => "listens to what a peer says by itself",
        Class::ReadOnly => "asks harmless questions that any client asks, and changes nothing",
        Class::Intrusive => "does what a careful administrator would want to know about beforehand",
    }
}
