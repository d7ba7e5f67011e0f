//! What a newcomer meets first: the demo and the documentation.

mod demo;
mod documentation;
