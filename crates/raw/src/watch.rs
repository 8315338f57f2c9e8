//! Many sockets watched through one descriptor (epoll(7)), for tens of thousands of connects a second.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

/// As many are told at once.
const AT_ONCE: usize = 512;

/// Sockets that something is waited for, each once. It is itself readable when one of them is ready.
///
/// A socket that is closed is watched no more.
#[derive(Debug)]
pub struct Watch {
    epoll: Epoll,
    room: Vec<EpollEvent>,
}

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// What the system says, when it has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self { epoll, room: vec![EpollEvent::empty(); AT_ONCE] })
    }

    /// Tells once, by that number, when a connect of the socket has come to its end.
    ///
    /// # Errors
    /// What the system says, when it cannot watch it.
    pub fn connecting(&self, socket: &impl AsFd, number: u64) -> io::Result<()> {
        let flags = EpollFlags::EPOLLOUT | EpollFlags::EPOLLONESHOT;
        Ok(self.epoll.add(socket, EpollEvent::new(flags, number))?)
    }

    /// Tells once, by that number, when the socket, which was watched before, has something to read, or has ended.
    ///
    /// # Errors
    /// What the system says, when it cannot watch it.
    pub fn readable(&self, socket: &impl AsFd, number: u64) -> io::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLONESHOT;
        Ok(self.epoll.modify(socket, &mut EpollEvent::new(flags, number))?)
    }

    /// Tells by that number, again and again, as long as the socket has something to read or an error to tell.
    ///
    /// # Errors
    /// What the system says, when it cannot watch it.
    pub fn listening(&self, socket: &impl AsFd, number: u64) -> io::Result<()> {
        Ok(self.epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, number))?)
    }

    /// Hands over the numbers of those that are ready, and how many they are. Never waits.
    ///
    /// # Errors
    /// What the system says.
    pub fn ready(&mut self, mut each: impl FnMut(u64)) -> io::Result<usize> {
        let mut all = 0;
        loop {
            let count = self.epoll.wait(&mut self.room, EpollTimeout::ZERO)?;
            for event in self.room.iter().take(count) {
                each(event.data());
            }
            all += count;
            if count < self.room.len() {
                return Ok(all);
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.0.as_raw_fd()
    }
}
