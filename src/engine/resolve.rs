//! Names, by hickory over our own dialler: every question has its permit, its turn and its row in the audit log.
//!
//! The hosts file, search domains and caches of this machine play no part: what is seen is what the resolvers tell
//! everybody. The addresses answered are pinned: nothing is asked a second time.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioHandle, TokioTime};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::dial::{How, datagrams, dial};
use super::doors::Budget;
use super::gate::{Gate, Ticket};
use super::pace::{Kind, Payer};
use crate::model::heard::Heard;
use crate::model::net::{HostId, Transport};
use crate::model::observation::StepId;
use crate::model::saw::{Answered, Cut, NamesSaw};
use crate::scope::Permit;
use crate::talk::{Bounded, Terms, Unopened};

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

/// Asks the resolvers for both families of a name, on behalf of that host.
///
/// # Errors
/// Only what is not the resolvers' doing: a stop, a bound, an error of ours. Everything else is in the answer.
pub(crate) async fn resolve(
    gate: &Arc<Gate>,
    resolvers: &[IpAddr],
    host: &HostId,
    name: &str,
    step: StepId,
    budget: &Arc<Budget>,
) -> Result<NamesSaw, Unopened> {
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
    let troubles = Arc::new(Mutex::new(None));
    let provider = Provider {
        gate: Arc::clone(gate),
        host: host.clone(),
        step,
        budget: Arc::clone(budget),
        troubles: Arc::clone(&troubles),
        handle: TokioHandle::default(),
    };
    let resolver = client(gate, resolvers, provider).map_err(Unopened::Ours)?;
    for family in [RecordType::A, RecordType::AAAA] {
        let answer = timeout(gate.world.budgets.resolve, resolver.lookup(asked.clone(), family));
        let answer = match answer.await {
            Ok(Ok(lookup)) => {
                let (aliases, addresses) = addresses(&lookup, &asked, family);
                if saw.aliases.is_empty() {
                    saw.aliases = aliases;
                }
                Answered::Yes(addresses)
            }
            Ok(Err(wrong)) => absent(&wrong),
            Err(_) => Answered::No("timed out".into()),
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
fn client(
    gate: &Gate,
    resolvers: &[IpAddr],
    provider: Provider,
) -> Result<Resolver<Provider>, String> {
    let servers = resolvers.iter().map(|address| NameServerConfig::udp_and_tcp(*address));
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let mut options = ResolverOpts::default();
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.preserve_intermediates = true;
    options.num_concurrent_reqs = 1;
    options.attempts = 1;
    options.timeout = gate.world.budgets.resolve / 3;
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

/// Our dialler, as hickory wants it.
#[derive(Clone)]
struct Provider {
    gate: Arc<Gate>,
    /// Whose names are asked for.
    host: HostId,
    step: StepId,
    budget: Arc<Budget>,
    /// What kept a question from being asked, when it was not the resolvers' doing.
    troubles: Arc<Mutex<Option<Unopened>>>,
    handle: TokioHandle,
}

impl Provider {
    /// Keeps a trouble, and tells hickory that there is one.
    fn trouble(&self, why: Unopened) -> io::Error {
        let error = match &why {
            Unopened::Cut(Cut::TimedOut) => io::ErrorKind::TimedOut.into(),
            Unopened::Cut(cut) => {
                io::Error::new(io::ErrorKind::ConnectionRefused, format!("{cut:?}"))
            }
            other => io::Error::other(format!("{other:?}")),
        };
        if !matches!(why, Unopened::Cut(_)) {
            let mut kept = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get_or_insert(why);
        }
        error
    }

    /// Leave to ask: of a configured resolver, at its port, and of nobody else.
    fn permit(&self, to: SocketAddr, transport: Transport) -> Result<Permit, Unopened> {
        let permit =
            self.gate.scope.permit_resolver(&self.host, to.ip(), transport, self.gate.now());
        let permit = permit.map_err(|refusal| self.gate.refused(None, refusal))?;
        if permit.to() == to {
            return Ok(permit);
        }
        Err(Unopened::Refused(format!("{to} is no resolver's port")))
    }

    async fn tcp(self, to: SocketAddr, wait: Duration) -> Result<DnsStream, Unopened> {
        self.budget.connection()?;
        let ticket = self.gate.turn(&Payer::Resolver(to.ip()), Kind::Connection).await?;
        let permit = self.permit(to, Transport::Tcp)?;
        let how = How { step: Some(self.step), patience: wait, ..How::default() };
        let connected = dial(&self.gate, permit, ticket, how).await?;
        let terms = Terms {
            deadline: super::world::instant() + self.gate.world.budgets.resolve,
            most: self.gate.world.budgets.hear,
            clock: super::world::instant,
        };
        Ok(AsyncIoTokioAsStd(Bounded::new(
            connected.stream,
            terms,
            Some(Box::new(connected.ticket)),
        )))
    }

    async fn udp(self, local: SocketAddr, to: SocketAddr) -> Result<OneQuestion, Unopened> {
        self.budget.datagram()?;
        let ticket = self.gate.turn(&Payer::Resolver(to.ip()), Kind::Datagram).await?;
        let permit = self.permit(to, Transport::Udp)?;
        let socket = datagrams(&self.gate, &permit, local, Some(self.step))?;
        Ok(OneQuestion { socket, to, ticket: Mutex::new(Some(ticket)) })
    }
}

type DnsStream = AsyncIoTokioAsStd<Bounded<tokio::net::TcpStream>>;

impl RuntimeProvider for Provider {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = OneQuestion;
    type Tcp = DnsStream;

    fn create_handle(&self) -> Self::Handle {
        self.handle.clone()
    }

    fn connect_tcp(
        &self,
        to: SocketAddr,
        _bind: Option<SocketAddr>,
        wait: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        let this = self.clone();
        let wait = wait.unwrap_or(this.gate.world.budgets.connect);
        Box::pin(async move { this.clone().tcp(to, wait).await.map_err(|why| this.trouble(why)) })
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        to: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Udp>>>> {
        let this = self.clone();
        Box::pin(async move { this.clone().udp(local, to).await.map_err(|why| this.trouble(why)) })
    }
}

/// A socket for one question: hickory takes a new one for each, and a ticket is good for one datagram.
struct OneQuestion {
    /// Connected: the kernel takes answers from that resolver only.
    socket: UdpSocket,
    to: SocketAddr,
    ticket: Mutex<Option<Ticket>>,
}

impl DnsUdpSocket for OneQuestion {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut into = tokio::io::ReadBuf::new(into);
        let polled = self.socket.poll_recv(cx, &mut into);
        polled.map_ok(|()| (into.filled().len(), self.to))
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        if to != self.to || ticket.is_none() {
            return Poll::Ready(Err(io::Error::other("one question, to one resolver")));
        }
        let polled = self.socket.poll_send(cx, bytes);
        if polled.is_ready()
            && let Some(mut ticket) = ticket.take()
        {
            ticket.sent();
        }
        polled
    }
}
