//! Our dialler as hickory wants it: each socket with its permit, its turn, its row in the audit log, and its own end.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{DnsUdpSocket, RuntimeProvider, TokioHandle, TokioTime};
use tokio::net::UdpSocket;
use tokio::sync::Mutex as Queue;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::Question;
use crate::engine::allowance::Allowance;
use crate::engine::dial::{How, datagrams, dial};
use crate::engine::doors::Budget;
use crate::engine::gate::{Gate, Ticket};
use crate::engine::pace::Kind;
use crate::engine::world::instant;
use crate::model::net::{HostId, Transport};
use crate::model::observation::StepId;
use crate::model::saw::Cut;
use crate::scope::Permit;
use crate::talk::{Bounded, Terms, Unopened};

/// A question that stays unanswered is put again after so long: a datagram may be lost.
const AGAIN: Duration = Duration::from_secs(2);

/// Our dialler, as hickory wants it, for one family of one name.
#[derive(Clone)]
pub(super) struct Provider {
    gate: Arc<Gate>,
    /// Whose names are asked for.
    host: HostId,
    step: StepId,
    budget: Arc<Budget>,
    /// What the step may take.
    allowance: Arc<Allowance>,
    /// What the name may take; no wait for a turn counts.
    pub(super) name: Arc<Allowance>,
    latest: Instant,
    /// When each resolver was last sent the question. Held while one is on its way out: hickory, which does not know how
    /// long that takes, sends another after a third of a second.
    asked: Arc<Queue<BTreeMap<IpAddr, Instant>>>,
    /// What kept a question from being asked, when it was not the resolvers' doing.
    pub(super) troubles: Arc<Mutex<Option<Unopened>>>,
    handle: TokioHandle,
}

impl Provider {
    pub(super) fn new(question: &Question<'_>) -> Self {
        let Question { gate, host, step, budget, allowance, latest, .. } = *question;
        Self {
            gate: Arc::clone(gate),
            host: host.clone(),
            step,
            budget: Arc::clone(budget),
            allowance: Arc::clone(allowance),
            name: Arc::new(Allowance::new(gate.world.budgets.resolve)),
            latest,
            asked: Arc::default(),
            troubles: Arc::default(),
            handle: TokioHandle::default(),
        }
    }

    /// Waits for a turn to send the resolver something; no time but the scan's own runs meanwhile.
    async fn turn(&self, to: IpAddr, kind: Kind) -> Result<Ticket, Unopened> {
        let (_step, _name) = (self.allowance.wait(), self.name.wait());
        self.gate.turn(to, kind, self.latest).await
    }

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

    async fn tcp(self, to: SocketAddr) -> Result<DnsStream, Unopened> {
        let ticket = self.turn(to.ip(), Kind::Connection).await?;
        self.budget.connection()?;
        let permit = self.permit(to, Transport::Tcp)?;
        let patience = self.gate.world.budgets.connect;
        let how = How { step: Some(self.step), patience, ..How::default() };
        let connected = dial(&self.gate, permit, ticket, how).await?;
        let terms = Terms {
            deadline: instant() + self.gate.world.budgets.resolve,
            most: self.gate.world.budgets.hear,
            clock: instant,
        };
        Ok(AsyncIoTokioAsStd(Bounded::new(
            connected.stream,
            terms,
            Some(Box::new(connected.ticket)),
        )))
    }

    async fn udp(self, local: SocketAddr, to: SocketAddr) -> Result<OneQuestion, Unopened> {
        let mut asked = self.asked.lock().await;
        if let Some(last) = asked.get(&to.ip()) {
            sleep_until(*last + AGAIN).await;
        }
        let ticket = self.turn(to.ip(), Kind::Datagram).await?;
        self.budget.datagram()?;
        let permit = self.permit(to, Transport::Udp)?;
        let socket = datagrams(&self.gate, &permit, local, Some(self.step))?;
        asked.insert(to.ip(), instant());
        let end = Box::pin(sleep(self.gate.world.budgets.resolve / 3));
        Ok(OneQuestion { socket, to, ticket: Mutex::new(Some(ticket)), end: Mutex::new(end) })
    }
}

pub(super) type DnsStream = AsyncIoTokioAsStd<Bounded<tokio::net::TcpStream>>;

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
        _wait: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = io::Result<Self::Tcp>>>> {
        let this = self.clone();
        Box::pin(async move { this.clone().tcp(to).await.map_err(|why| this.trouble(why)) })
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
pub(super) struct OneQuestion {
    /// Connected: the kernel takes answers from that resolver only.
    socket: UdpSocket,
    to: SocketAddr,
    ticket: Mutex<Option<Ticket>>,
    /// When no answer is waited for any more; from the turn on, in which the question leaves.
    end: Mutex<Pin<Box<Sleep>>>,
}

impl DnsUdpSocket for OneQuestion {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut into = tokio::io::ReadBuf::new(into);
        if let Poll::Ready(came) = self.socket.poll_recv(cx, &mut into) {
            return Poll::Ready(came.map(|()| (into.filled().len(), self.to)));
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
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
