//! Counting the copies and making them visible: the end of phase `copying`, and phase `copied`.

use super::progress::{self, Phase};
use super::queries::sql;
use super::run::Adoption;
use crate::counts::blocks::Counter;
use crate::fail_point;
use crate::moves::{self, MoveError, erasures, settle};
use crate::recover::{IDS, ids_after, reserve_ids};
use thermocline_core::keyset::Key;
use thermocline_database::{Begin, Engine, Session, TierError};
use thermocline_journal::{claim, entry, state};

impl Adoption<'_> {
    /// Counts the copies in blocks and as user actions, in the open transaction of cold. The counts stand at the last batch, as
    /// after a vacuum; readers of older epochs ask hot again.
    pub(super) async fn count(&self, cold: &mut dyn Session) -> Result<(), TierError> {
        let family = self.source.family;
        let records = cold.fetch(sql::last_adopted(), &[family.resource.into()]).await?;
        let Some(record) = records.first() else { return Ok(()) };
        let epoch = record.int("epoch")?;
        if let Some(blocks) = &family.blocks {
            let sizes = self.mover.sizes;
            let counter = Counter { blocks, sizes };
            counter.undo(cold, epoch).await?;
            // The new bounds may lie within blocks of earlier moves.
            counter.unsign_all(cold).await?;
            let [leaf, node] = sizes.part;
            for scope in blocks.expressions {
                let params = [epoch.into(), leaf.into(), Key::MAX.at.into(), Key::MAX.id.into()];
                cold.execute(&self.source.count(sql::count_leaves(), blocks.table, scope), &params).await?;
            }
            let params = [epoch.into(), (node / leaf).max(1).into()];
            cold.execute(&self.source.count(sql::count_nodes(), blocks.table, "all"), &params).await?;
        }
        if let Some(statement) = self.source.count_actions() {
            cold.execute(moves::sql::undo_activity(), &[family.resource.into(), epoch.into()]).await?;
            cold.execute(&statement, &[epoch.into(), self.mover.clock.now().into()]).await?;
        }
        Ok(())
    }

    /// Raises hot's epoch above every adopted batch, in one commit, and confirms them.
    pub(super) async fn raise(&self) -> Result<(), MoveError> {
        let (family, name) = (self.source.family, self.source.original.name.as_str());
        let resource = family.resource;
        let last = self.mover.cold.fetch(sql::last_adopted(), &[resource.into()]).await?;
        let mut epoch = None;
        if let Some(record) = last.first() {
            let (number, token) = (record.int("epoch")?, record.int("token")?);
            if state::read(self.mover.hot, resource).await?.epoch < number && self.overlaps().await? {
                return self.start_again().await;
            }
            self.raise_hot(number, token).await?;
            epoch = Some(number);
        }
        let now = self.mover.clock.now();
        let mut cold = self.mover.cold.session().await?;
        cold.begin(Begin::Write).await?;
        // The claim row first, as in every transaction.
        if let Some(number) = claim::lock(&mut *cold, resource).await? {
            claim::release(&mut *cold, resource, number).await?;
        }
        if let Some(epoch) = epoch {
            claim::raise_oldest_readable_epoch(&mut *cold, resource, epoch).await?;
            entry::confirm(&mut *cold, resource, epoch).await?;
        }
        progress::enter(&mut *cold, name, Phase::Raised, now).await?;
        fail_point::reached("confirming-adopted");
        cold.commit().await?;
        fail_point::reached("confirmed-adopted");
        Ok(())
    }

    async fn raise_hot(&self, epoch: i64, token: i64) -> Result<(), MoveError> {
        let (family, now) = (self.source.family, self.mover.clock.now());
        // Hot must not commit before every part of the copies has.
        let cold = self.mover.cold;
        claim::wait_for_parts(cold, &mut *cold.session().await?, family.resource).await?;
        let newest = newest(self.mover.cold, family.resource).await?;
        if let Err(error) = self.reserve_ids().await {
            // Such as ids of 64 bits beside a hot that counts in 32. No new row of such a hot can have one.
            tracing::warn!(resource = family.resource, %error, "hot may give out ids that the archive has");
        }
        let mut hot = self.mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let state = state::lock(&mut *hot, family.resource, &self.mover.name, now).await?;
        if state.epoch >= epoch {
            // An earlier run has raised it and died before it noted so.
            hot.rollback().await?;
            return Ok(());
        }
        let watermark = newest.max(state.cold_watermark);
        state::raise(&mut *hot, family.resource, (epoch, token), watermark, now).await?;
        fail_point::reached("raising-adopted");
        hot.commit().await?;
        fail_point::reached("raised-adopted");
        Ok(())
    }
}

impl Adoption<'_> {
    /// Returns whether hot holds a row that was copied. Each was asked for when it was copied, so hot has come back from a
    /// backup since.
    async fn overlaps(&self) -> Result<bool, TierError> {
        let moved = self.source.moved();
        let (next, open) = (moved.sql(ids_after()), moved.sql_by(moves::sql::open_of(), 0));
        let mut last = i64::MIN;
        loop {
            let ids = erasures::ids(&self.mover.hot.fetch(&next, &[last.into(), IDS.into()]).await?)?;
            let Some(highest) = ids.last().copied() else { return Ok(false) };
            last = highest;
            if !self.mover.cold.fetch(&open, &[ids.into()]).await?.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Removes the copies, which no reader has seen, so that the table is adopted anew.
    async fn start_again(&self) -> Result<(), MoveError> {
        let (family, name) = (self.source.family, self.source.original.name.as_str());
        let (resource, now) = (family.resource, self.mover.clock.now());
        tracing::warn!(
            table = name,
            "hot holds rows that were copied: it came back from a backup; copying again"
        );
        let mut cold = self.mover.cold.session().await?;
        cold.begin(Begin::Write).await?;
        // Another process that copies is overtaken.
        claim::claim(&mut *cold, resource, 0, &self.mover.name, now).await?;
        for entry in entry::above(&mut *cold, resource, 0).await? {
            settle::undo_in(&mut *cold, family, self.mover.sizes, entry.epoch).await?;
        }
        cold.execute(sql::start_again(), &[name.into(), now.into()]).await?;
        fail_point::reached("starting-again");
        cold.commit().await?;
        fail_point::reached("started-again");
        Ok(())
    }

    /// Makes hot give out no id that the archive has.
    async fn reserve_ids(&self) -> Result<(), TierError> {
        let mut cold = self.mover.cold.session().await?;
        let mut hot = self.mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        reserve_ids(&mut *cold, &mut *hot, self.source.family).await?;
        hot.commit().await
    }
}

/// Returns the newest key of the adopted rows.
async fn newest(cold: &dyn Engine, resource: &str) -> Result<Option<Key>, TierError> {
    let records = cold.fetch(sql::newest_adopted(), &[resource.into()]).await?;
    records.first().map_or(Ok(None), |record| record.key_or_null("last_at", "last_id"))
}
