//! The program as its users meet it: the demo, the documentation, settings and imports.

mod demo;
mod deployment;
mod documentation;
mod imports;
mod metrics;
mod redis;
mod runs;
mod serve;
mod settings;
mod traces;
mod watch;

use thermocline_testing as support;
