//! Requests of a client: a batch, or a call of `sp_executesql`.

use super::packets::{Kind, Message};
use super::reader::{Reader, text};
use super::values::Param;

const SP_EXECUTESQL: u16 = 10;
const BY_NUMBER: u16 = 0xffff;
const TRANSACTION_DESCRIPTOR: u16 = 2;

/// A statement and its parameters.
#[derive(Debug)]
pub struct Request {
    pub text: String,
    pub params: Vec<Param>,
    /// The transaction the client believes to be in; 0 for none.
    pub descriptor: u64,
    /// Whether it is a procedure call.
    pub procedure: bool,
}

impl Request {
    pub fn read(message: &Message) -> Result<Self, String> {
        let mut from = Reader(&message.body);
        let descriptor = headers(&mut from)?;
        match message.kind {
            Kind::Batch => Ok(Self { text: text(from.0)?, params: Vec::new(), descriptor, procedure: false }),
            Kind::Rpc => {
                let (text, params) = call(&mut from)?;
                Ok(Self { text, params, descriptor, procedure: true })
            }
            other => Err(format!("{other:?} in the middle of a session")),
        }
    }
}

/// Reads `ALL_HEADERS`, of which the driver sends one.
fn headers(from: &mut Reader<'_>) -> Result<u64, String> {
    let (all, one, kind) = (from.u32()?, from.u32()?, from.u16()?);
    if (all, one, kind) != (22, 18, TRANSACTION_DESCRIPTOR) {
        return Err("headers of another shape".to_owned());
    }
    let descriptor = from.u64()?;
    from.u32()?;
    Ok(descriptor)
}

fn call(from: &mut Reader<'_>) -> Result<(String, Vec<Param>), String> {
    if (from.u16()?, from.u16()?, from.u16()?) != (BY_NUMBER, SP_EXECUTESQL, 0) {
        return Err("a call of another procedure than sp_executesql".to_owned());
    }
    let mut params = Vec::new();
    while !from.0.is_empty() {
        let name = from.short_text()?;
        if from.u8()? != 0 {
            return Err(format!("parameter {name} has flags"));
        }
        params.push((name, Param::read(from)?));
    }
    let mut rest = params.into_iter();
    let (Some((_, Param::Text(text))), Some((_, Param::Text(list)))) = (rest.next(), rest.next()) else {
        return Err("sp_executesql without its two texts".to_owned());
    };
    let rest: Vec<(String, Param)> = rest.collect();
    declared(&list, &rest)?;
    Ok((text, rest.into_iter().map(|(_, param)| param).collect()))
}

/// Checks that the list `@P1 bigint,@P2 nvarchar(4000)` matches the parameters.
fn declared(list: &str, params: &[(String, Param)]) -> Result<(), String> {
    let mut names = list.split(",@").filter(|declared| !declared.is_empty());
    for (name, param) in params {
        let declared = names.next().unwrap_or_default().trim_start_matches('@');
        let (said, kind) = declared.split_once(' ').unwrap_or_default();
        if format!("@{said}") != *name || !param.is_declared_as(kind) {
            return Err(format!("{name} is {param:?}, declared {declared:?}"));
        }
    }
    names.next().map_or(Ok(()), |name| Err(format!("{name} is declared and not given")))
}

/// Returns the highest N of the parameters `@PN` in a text, comments left out.
pub fn params_used(text: &str) -> usize {
    let code = text.lines().map(|line| line.split("--").next().unwrap_or_default());
    let numbers = code.flat_map(|line| {
        line.split("@P").skip(1).filter_map(|rest| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            digits.parse().ok()
        })
    });
    numbers.max().unwrap_or(0)
}
