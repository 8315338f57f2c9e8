//! What a scan is given from outside: the clock, how long things may take, how it makes itself known, and the sign to
//! stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::examine::Examining;
use super::programs::Programs;
use crate::model::moment::Moment;
use crate::model::saw::PortsSaw;

/// The world of a scan. Everything that tests may want otherwise is an argument here.
#[derive(Clone)]
pub struct World {
    /// How we make ourselves known: the User-Agent and EHLO name.
    pub agent: String,
    /// How long things may take, and how much is heard.
    pub budgets: Budgets,
    /// The time of day.
    pub now: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// How ports are examined.
    pub examining: Examining,
    /// The programs that it may start.
    pub programs: Arc<Programs>,
}

impl World {
    /// The real one.
    pub fn new(agent: impl Into<String>) -> Self {
        Self {
            agent: agent.into(),
            budgets: Budgets::default(),
            now: Arc::new(wall_clock),
            examining: Examining::default(),
            programs: Arc::default(),
        }
    }
}

/// How long things may take, and how much is heard. All deadlines are absolute: no byte moves them.
#[derive(Clone, Copy, Debug)]
pub struct Budgets {
    /// A connect of a conversation; the kernel's repeated SYNs count against the pace.
    pub connect: Duration,
    /// A whole conversation from its first packet on.
    pub talk: Duration,
    /// Everything a probe does on one spot, waiting for its turn not counted.
    pub step: Duration,
    /// How long a service gets to speak first.
    pub patience: Duration,
    /// One name, both families.
    pub resolve: Duration,
    /// What a scan may take beyond the plan's own bounds before the rest of it is left untested.
    pub slack: Duration,
    /// The bytes heard in one conversation.
    pub hear: usize,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            talk: Duration::from_secs(15),
            step: Duration::from_secs(30),
            patience: Duration::from_secs(3),
            resolve: Duration::from_secs(10),
            slack: Duration::from_secs(60),
            hear: 256 * 1024,
        }
    }
}

/// The time of day, for the engine and for the commands around it.
#[expect(clippy::disallowed_methods, reason = "the engine's one look at the time of day")]
pub fn wall_clock() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Moment::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// A word that nobody can know beforehand, for asking after what cannot exist.
pub(crate) fn nonce() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(instant()))
}

/// The engine's stopwatch: monotonic, and standing still in tests that pause it.
#[expect(clippy::disallowed_methods, reason = "the engine's one look at the stopwatch")]
pub(crate) fn instant() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The sign to stop. Clones are the same sign.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<Option<String>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Gives the sign, with the reason (`interrupted`). Nothing is sent from then on; the first reason stays.
    pub fn now(&self, why: impl Into<String>) {
        let why = why.into();
        self.0.send_if_modified(|reason| {
            let first = reason.is_none();
            reason.get_or_insert(why);
            first
        });
    }

    /// The reason, once the sign was given.
    pub fn reason(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Waits for the sign.
    pub async fn given(&self) {
        let mut sign = self.0.subscribe();
        // The sender lives as long as `self`; an error cannot come before the sign.
        let _ = sign.wait_for(Option::is_some).await;
    }
}

/// What happens while a scan goes on, for whoever shows its progress.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// So far it has come.
    At(Standing),
    /// The states of ports of a host's address, as soon as they are known; later ones correct earlier ones.
    Ports {
        /// The host.
        host: String,
        /// The address.
        address: IpAddr,
        /// What is known.
        saw: PortsSaw,
    },
    /// All steps on a host have ended.
    HostDone(String),
    /// Something worth a line in the log.
    Note(String),
}

/// How far a scan has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Hosts on which every step has ended.
    pub hosts_done: usize,
    /// All hosts.
    pub hosts: usize,
    /// Steps that have ended everywhere.
    pub steps_done: usize,
    /// All steps.
    pub steps: usize,
    /// TCP connections begun so far, attempts included.
    pub connections: u64,
    /// UDP datagrams and ICMP echo requests sent so far.
    pub datagrams: u64,
    /// What is going on: `web1: tls`.
    pub doing: String,
    /// How long it will take from here, as far as one can tell.
    pub left: Option<Duration>,
}

/// How a scan ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether every step has ended on every spot.
    pub complete: bool,
    /// Why not, if not: `interrupted`, `the window closed`, or what was wrong with the journal.
    pub why: Option<String>,
    /// TCP connections begun.
    pub connections: u64,
    /// UDP datagrams and ICMP echo requests sent.
    pub datagrams: u64,
}
