//! The context of a move: both tiers, the clock, and the name of the mover.

use crate::counts::BlockSizes;
use thermocline_core::clock::Clock;
use thermocline_database::Engine;

/// The two tiers and the mover that moves rows between them.
#[derive(Clone, Debug)]
pub struct Mover<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The time.
    pub clock: &'a Clock,
    /// The name that `archive status` shows while rows move.
    pub name: String,
    /// The sizes at which counted blocks are split.
    pub sizes: BlockSizes,
}
