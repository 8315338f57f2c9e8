//! Names, by hickory over our own dialler: every question has its permit, its turn and its row in the audit log.
//!
//! The hosts file, search domains and caches of this machine play no part: what is seen is what the resolvers tell
//! everybody. The addresses answered are pinned: nothing is asked a second time.

mod provider;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::Instant;

use super::allowance::Allowance;
use super::doors::Budget;
use super::gate::Gate;
use crate::model::heard::Heard;
use crate::model::net::HostId;
use crate::model::observation::StepId;
use crate::model::saw::{Answered, NamesSaw};
use crate::talk::Unopened;
use provider::Provider;

/// As long as no scan lasts.
const NEVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The addresses of the resolvers that this machine is set up with.
///
/// # Errors
/// Why they cannot be found.
pub fn system_resolvers() -> Result<Vec<IpAddr>, String> {
    let (config, _) =
        hickory_resolver::system_conf::read_system_conf().map_err(|wrong| wrong.to_string())?;
    let mut all: Vec<IpAddr> = Vec::new();
    for server in config.name_servers() {
        if !all.contains(&server.ip) {
            all.push(server.ip);
        }
    }
    Ok(all)
}

/// What a question is put with.
pub(crate) struct Question<'a> {
    pub(crate) gate: &'a Arc<Gate>,
    /// Who may be asked.
    pub(crate) resolvers: &'a [IpAddr],
    /// On behalf of which host.
    pub(crate) host: &'a HostId,
    /// For which step.
    pub(crate) step: StepId,
    pub(crate) budget: &'a Arc<Budget>,
    /// How long the step may take; no wait for a turn counts.
    pub(crate) allowance: &'a Arc<Allowance>,
    /// When the scan's own time is used up.
    pub(crate) latest: Instant,
}

/// Asks the resolvers for both families of a name.
///
/// # Errors
/// Only what is not the resolvers' doing: a stop, a bound, an error of ours. Everything else is in the answer.
pub(crate) async fn resolve(question: Question<'_>, name: &str) -> Result<NamesSaw, Unopened> {
    let resolvers = question.resolvers;
    if resolvers.is_empty() {
        return Err(Unopened::NoRoute("no resolver is configured".into()));
    }
    let mut saw = NamesSaw {
        name: name.to_owned(),
        resolvers: resolvers.iter().map(ToString::to_string).collect(),
        aliases: Vec::new(),
        v4: Answered::No("not asked".into()),
        v6: Answered::No("not asked".into()),
        refused: Vec::new(),
    };
    let Ok(mut asked) = Name::from_utf8(name) else {
        let why = || Answered::No("it is no name".into());
        return Ok(NamesSaw { v4: why(), v6: why(), ..saw });
    };
    asked.set_fqdn(true);
    for family in [RecordType::A, RecordType::AAAA] {
        let provider = Provider::new(&question);
        let (allowance, troubles) = (Arc::clone(&provider.name), Arc::clone(&provider.troubles));
        let resolver = client(resolvers, provider).map_err(Unopened::Ours)?;
        let answer = tokio::select! {
            answer = resolver.lookup(asked.clone(), family) => match answer {
                Ok(lookup) => {
                    let (aliases, addresses) = addresses(&lookup, &asked, family);
                    if saw.aliases.is_empty() {
                        saw.aliases = aliases;
                    }
                    Answered::Yes(addresses)
                }
                Err(wrong) => absent(&wrong),
            },
            () = allowance.used_up() => Answered::No("timed out".into()),
        };
        if let Some(trouble) = troubles.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Our own trouble on the way is no answer of theirs, unless one came all the same.
            if !matches!(answer, Answered::Yes(_)) {
                return Err(trouble);
            }
        }
        match family {
            RecordType::A => saw.v4 = answer,
            _ => saw.v6 = answer,
        }
    }
    Ok(saw)
}

/// A client of those resolvers that uses nothing of this machine's own.
///
/// Its own clocks cannot tell our waiting from theirs, so they decide nothing: its time is as good as without end, and
/// the sockets that it is given come to their end by themselves.
fn client(resolvers: &[IpAddr], provider: Provider) -> Result<Resolver<Provider>, String> {
    let servers = resolvers.iter().map(|address| NameServerConfig::udp_and_tcp(*address));
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let mut options = ResolverOpts::default();
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.preserve_intermediates = true;
    options.num_concurrent_reqs = 1;
    options.attempts = 1;
    options.timeout = NEVER;
    options.edns0 = true;
    let builder = Resolver::builder_with_config(config, provider).with_options(options);
    builder.build().map_err(|wrong| wrong.to_string())
}

/// The aliases in order from the name on, and the addresses at their end.
fn addresses(lookup: &Lookup, asked: &Name, family: RecordType) -> (Vec<Heard>, Vec<IpAddr>) {
    let mut aliases = Vec::new();
    let mut at = asked.clone();
    while aliases.len() < 16 {
        let next = lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == at => Some(target.0.clone()),
            _ => None,
        });
        let Some(next) = next else { break };
        aliases.push(Heard::from(next.to_utf8().trim_end_matches('.')));
        at = next;
    }
    let found = lookup.answers().iter().filter_map(|record| match (&record.data, family) {
        (RData::A(address), RecordType::A) => Some(IpAddr::V4(address.0)),
        (RData::AAAA(address), RecordType::AAAA) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    let mut all: Vec<IpAddr> = found.collect();
    all.sort_unstable();
    all.dedup();
    (aliases, all)
}

/// What it means that there is no address.
fn absent(wrong: &NetError) -> Answered<Vec<IpAddr>> {
    let word = match wrong {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError => return Answered::Yes(Vec::new()),
            code => code_word(code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => code_word(*code),
        NetError::Timeout => "timed out".into(),
        NetError::NoConnections => "no resolver answers".into(),
        NetError::Io(wrong) if wrong.kind() == io::ErrorKind::TimedOut => "timed out".into(),
        other => crate::model::heard::shown(&other.to_string()),
    };
    Answered::No(word)
}

/// `NXDOMAIN`
fn code_word(code: ResponseCode) -> String {
    match code {
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::Refused => "REFUSED".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}
