//! Packets, and the messages they form.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

const HEADER: usize = 8;
const END_OF_MESSAGE: u8 = 1;
/// Packet type of server messages.
const ANSWER: u8 = 4;

/// The type of a client message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Batch,
    Rpc,
    Attention,
    Login,
    PreLogin,
}

/// A client message, assembled from its packets.
#[derive(Debug)]
pub struct Message {
    pub kind: Kind,
    pub body: Vec<u8>,
}

fn broken(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_owned())
}

/// Reads the next message; `None` when the client has disconnected. Like a server, rejects packets larger than agreed,
/// and smaller ones except for the last of a message.
pub async fn read(from: &mut (impl AsyncRead + Unpin), size: usize) -> io::Result<Option<Message>> {
    let mut body = Vec::new();
    loop {
        let mut header = [0; HEADER];
        match from.read_exact(&mut header).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && body.is_empty() => return Ok(None),
            read => read?,
        };
        let kind = match header[0] {
            1 => Kind::Batch,
            3 => Kind::Rpc,
            6 => Kind::Attention,
            16 => Kind::Login,
            18 => Kind::PreLogin,
            _ => return Err(broken("a packet of an unknown type")),
        };
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let last = header[1] & END_OF_MESSAGE != 0;
        if length < HEADER || length > size || (!last && length != size) {
            return Err(broken("a packet of another size than agreed"));
        }
        let read = body.len();
        body.resize(read + length - HEADER, 0);
        from.read_exact(&mut body[read..]).await?;
        if last {
            return Ok(Some(Message { kind, body }));
        }
    }
}

/// Sends answers.
pub struct Sender<W> {
    pub to: W,
    /// Packet size, header included.
    pub size: usize,
    number: u8,
}

impl<W: AsyncWrite + Unpin> Sender<W> {
    pub const fn new(to: W, size: usize) -> Self {
        Self { to, size, number: 1 }
    }

    /// Sends bytes in packets; `end` marks the last one as the end of the message.
    pub async fn send(&mut self, bytes: &[u8], end: bool) -> io::Result<()> {
        let room = self.size - HEADER;
        let count = bytes.len().div_ceil(room).max(1);
        let mut packets = Vec::with_capacity(bytes.len() + count * HEADER);
        for place in 0..count {
            let part = &bytes[place * room..bytes.len().min((place + 1) * room)];
            let status = if end && place + 1 == count { END_OF_MESSAGE } else { 0 };
            packets.extend([ANSWER, status]);
            packets.extend(((part.len() + HEADER) as u16).to_be_bytes());
            packets.extend([0, 0, self.number, 0]);
            packets.extend(part);
            self.number = self.number.wrapping_add(1);
        }
        self.to.write_all(&packets).await?;
        self.to.flush().await
    }
}
