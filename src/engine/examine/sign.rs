//! Signs of somebody at an address besides its ports: an answer to an ICMP echo request, and one on this machine's own link.

use std::net::IpAddr;
use std::time::Duration;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use tokio::io::unix::AsyncFd;
use tokio::time::{sleep, timeout};

use super::connects::watched;
use super::raw::secret;
use crate::engine::dial::Echoes;
use crate::engine::doors::StepDoors;
use crate::engine::pace::Kind;
use crate::talk::Unopened;

/// How long each echo request is waited for; the last of them longer, since nobody asks any more.
const PATIENCE: [Duration; 2] = [Duration::from_millis(700), Duration::from_secs(1)];

/// Whether an address answers echo requests, and how many it was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Echoed {
    pub(super) answered: bool,
    pub(super) asked: u8,
}

/// Asks the address by ICMP echo requests where that is permitted, by the scope and by this machine.
///
/// # Errors
/// That the scan is to stop, or has no time left.
pub(super) async fn echo(doors: &StepDoors, address: IpAddr) -> Result<Echoed, Unopened> {
    let want = doors.want(address, doors.origin, 0);
    let permit = || doors.gate.scope.echo(&want, doors.gate.now());
    let open = |permit| watched(Echoes::new(&permit, secret())?);
    let Some(mut echoes) = permit().ok().and_then(|permit| open(permit).ok()) else {
        return Ok(Echoed::default());
    };
    let mut asked = 0;
    for patience in PATIENCE {
        if doors.budget.datagram().is_err() {
            break;
        }
        let mut ticket = doors.turn(address, Kind::Datagram).await?;
        let permit = permit().map_err(|refusal| doors.gate.refused(Some(&want), refusal))?;
        match echoes.get_mut().ask(&doors.gate, permit, &mut ticket, doors.step.id) {
            Ok(()) => asked += 1,
            Err(Unopened::Stopped) => return Err(Unopened::Stopped),
            // There is no way there, and the ports tell that too.
            Err(_) => break,
        }
        drop(ticket);
        if timeout(patience, answer(&mut echoes)).await.is_ok() {
            return Ok(Echoed { answered: true, asked });
        }
    }
    Ok(Echoed { answered: false, asked })
}

/// Waits until it has answered.
async fn answer(echoes: &mut AsyncFd<Echoes>) {
    while !echoes.get_mut().is_answered() {
        match echoes.readable().await {
            Ok(mut guard) => guard.clear_ready(),
            Err(_) => return std::future::pending().await,
        }
    }
}

/// How long the system may take to find out whether a neighbour whom it knew is still there: five seconds until it asks,
/// and three questions a second apart (RFC 4861 section 10; Linux does the same for ARP).
const STILL_THERE: Duration = Duration::from_secs(9);
const AGAIN: Duration = Duration::from_millis(300);

/// Whether the address stands on this machine's own link and answered when it was just looked for there: it is there,
/// whatever it keeps silent about.
pub(super) async fn is_neighbour(address: IpAddr) -> bool {
    let mut waited = Duration::ZERO;
    loop {
        match neighbour(address) {
            Some(NeighbourState::Reachable) => return true,
            Some(
                NeighbourState::Stale
                | NeighbourState::Delay
                | NeighbourState::Probe
                | NeighbourState::Incomplete,
            ) if waited < STILL_THERE => {}
            _ => return false,
        }
        sleep(AGAIN).await;
        waited += AGAIN;
    }
}

/// What the system knows of that neighbour (rtnetlink(7), `RTM_GETNEIGH`); nothing where it is none, or will not say.
fn neighbour(address: IpAddr) -> Option<NeighbourState> {
    let socket = Socket::new(NETLINK_ROUTE).ok()?;
    let question = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
    let mut question = NetlinkMessage::from(question);
    question.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    question.finalize();
    let mut bytes = vec![0; question.buffer_len()];
    question.serialize(&mut bytes);
    socket.send(&bytes, 0).ok()?;
    loop {
        let (answers, _) = socket.recv_from_full().ok()?;
        let mut rest = answers.as_slice();
        while !rest.is_empty() {
            let one = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).ok()?;
            match one.payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(one))
                    if is_of(&one, address) =>
                {
                    return Some(one.header.state);
                }
                NetlinkPayload::Done(_) | NetlinkPayload::Error(_) => return None,
                _ => {}
            }
            // Messages begin at every fourth byte (netlink(7), `NLMSG_ALIGN`).
            let length = usize::try_from(one.header.length).ok()?.next_multiple_of(4);
            rest = rest.get(length.max(4)..).unwrap_or_default();
        }
    }
}

fn is_of(one: &NeighbourMessage, address: IpAddr) -> bool {
    one.attributes.iter().any(|said| match said {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(four)) => address == *four,
        NeighbourAttribute::Destination(NeighbourAddress::Inet6(six)) => address == *six,
        _ => false,
    })
}
