//! A client that adds little of its own: one connection, one request at a time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Result;

/// A connection to a server.
pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    pub async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and waits for the whole answer. Returns the time it took.
    pub async fn time(&mut self, request: &str) -> Result<Duration> {
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(body) = self.body()?
                && self.is_whole(body)?
            {
                return Ok(begun.elapsed());
            }
        }
    }

    /// Returns the body of an answer as JSON.
    pub async fn json(&mut self, request: &str) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.bytes(request).await?)?)
    }

    /// Returns the body of an answer.
    pub async fn bytes(&mut self, request: &str) -> Result<Vec<u8>> {
        self.time(request).await?;
        let body = self.body()?.ok_or("no answer")?;
        Ok(self.answer[body..].to_vec())
    }

    /// Returns where the body begins, once the head is there.
    fn body(&self) -> Result<Option<usize>> {
        let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        if !self.answer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&self.answer).into_owned().into());
        }
        Ok(Some(end + 4))
    }

    fn is_whole(&self, body: usize) -> Result<bool> {
        let head = std::str::from_utf8(&self.answer[..body])?;
        match head.lines().find_map(|line| line.strip_prefix("content-length: ")) {
            Some(length) => Ok(self.answer.len() - body >= length.parse::<usize>()?),
            // In chunks.
            None => Ok(self.answer.ends_with(b"\r\n0\r\n\r\n")),
        }
    }
}

/// Returns the text of a request.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
}
