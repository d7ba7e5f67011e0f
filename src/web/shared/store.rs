//! Answers of cold in Redis.

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::pipe;

use super::Redis;
use crate::federation::shared::{Entry, LARGEST, SharedStore};

#[async_trait]
impl SharedStore for Redis {
    async fn read(&self, keys: [&str; 2]) -> Option<[Vec<u8>; 2]> {
        // A whole value could be as large as its writer liked.
        let mut ranges = pipe();
        for key in keys {
            ranges.cmd("GETRANGE").arg(key).arg(0).arg(LARGEST - 1);
        }
        let read = async move |mut connection: MultiplexedConnection| {
            ranges.query_async::<(Vec<u8>, Vec<u8>)>(&mut connection).await
        };
        self.ask("read", read).await.map(<[_; 2]>::from)
    }

    fn write(&self, entries: Vec<Entry>) {
        self.store(entries);
    }
}
