//! Texts about stocks in English, Traditional Chinese and emoji, and texts that break readers (empty, very long, of several
//! lines, with wildcards of `LIKE`).
//!
//! In a sentence `{s}` stands for a symbol, `{n}` for a stock's name, `{b}` for both, `{t}` and `{h}` for
//! an English and a Chinese topic, `{d}` for a number, `{e}` for an emoji.

use std::fmt::Write as _;

use rand::RngExt;
use rand::rngs::StdRng;

use super::market::any_stock;

/// Words worth searching for, in lower case. None is part of a sentence below or of another topic.
pub(super) const TOPICS: [&str; 8] =
    ["dividend", "earnings", "guidance", "buyback", "leverage", "inventory", "tariff", "valuation"];
/// Chinese words worth searching for.
pub(super) const HAN_TOPICS: [&str; 8] =
    ["除權息", "法說會", "融資餘額", "三大法人", "當沖", "庫存去化", "殖利率", "先進製程"];

const ENGLISH: [&str; 20] = [
    "Did you see the {t} for {s} this morning?",
    "I would wait for {d} before touching {s} again.",
    "{s} closed at {d}, I did not expect that {e}",
    "The {t} talk is everywhere, but nobody reads the filing.",
    "Sold half of my {s} at {d}.",
    "Good morning!",
    "ok",
    "Thanks, that helps a lot {e}",
    "What do you make of the {t}?",
    "lol same here",
    "My broker's app is down again {e}",
    "Foreign investors bought {d} lots of {s} today.",
    "Call me when you are home, it is about the {t}.",
    "I would rather hold {s} than sleep badly.",
    "That chart looks like a staircase.",
    "Who buys {n} at these prices?",
    "I set an alert at {d}.",
    "Not advice, but the {t} changes everything for {s}.",
    "See you at lunch?",
    "The café on the corner, naïve as I am, charges {d} now.",
];
const HAN: [&str; 20] = [
    "{n}今天又漲了{e}",
    "你有看到{n}的{h}嗎？",
    "我在{d}元買進{n}，先放著。",
    "外資連續三天賣超{n}，要小心。",
    "早安！",
    "收盤{d}，比我想的好。",
    "{h}的消息出來以後，量縮得很快。",
    "好喔",
    "哈哈哈我也是",
    "等跌破{d}再說吧",
    "昨天那篇文章寫得不錯，講{h}講得很清楚。",
    "停損設在{d}，睡得比較好{e}",
    "{b}跟大盤脫鉤很久了。",
    "下週三開會，記得帶資料。",
    "融券回補的話，{n}可能會軋空。",
    "謝謝，幫了大忙{e}",
    "ETF就定期定額，不要管{h}。",
    "這根長紅K，量有{d}張。",
    "現在追高會不會太晚？",
    "晚點打給你，聊一下{h}。",
];
/// Texts that a search finds only if it treats them literally.
const LITERAL: [&str; 12] = [
    "100% sure about {s}",
    "up 50% since May, down 5% today",
    "the file is called q3_report_{s}.xlsx",
    "user_name or username?",
    "[draft] {t} notes [v2]",
    r"C:\reports\{s}\q3_final.pdf",
    r"escaped \% and \_ and \\ in one line",
    "SELECT * FROM prices WHERE symbol LIKE '0_5%' -- [0-9]",
    "殖利率 6% 以上_才買 [筆記]",
    "%",
    "_",
    r#"{"symbol": "{s}", "note": "it's \"fine\""}"#,
];
const EMOJI: [&str; 14] =
    ["😀", "😭", "🚀", "📈", "📉", "👍🏽", "❤️", "🇹🇼", "🇯🇵", "👨‍👩‍👧‍👦", "👩🏻‍💻", "🏳️‍🌈", "🧧", "🐂"];
const TITLES: [&str; 14] = [
    "{b}{h}整理",
    "{h}怎麼看？",
    "關於{n}的三個問題",
    "小資族每月{d}元的存股計畫",
    "從{h}談{n}的下半年",
    "{n}還能抱嗎 {e}",
    "【心得】第一次參加{h}",
    "{s} after the {t}: what changed",
    "Notes on {t}, and what the papers make of it",
    "Why I sold {s} at {d}",
    "A beginner's guide to the {t}",
    "{s} or the index: which one for ten years?",
    "My watchlist for next week {e}",
    "Is 5% a month_realistic? [poll]",
];

/// Returns a chat message. Of ten thousand, 15 are empty and 5 very long.
pub(super) fn message(rng: &mut StdRng) -> String {
    match rng.random_range(0..10_000) {
        0..15 => String::new(),
        15..20 => {
            let sentences = rng.random_range(60..400);
            joined(rng, sentences, " ")
        }
        20..160 => filled(rng, &LITERAL),
        160..850 => (0..rng.random_range(1..=4)).map(|_| one(rng, &EMOJI)).collect(),
        850..1_300 => {
            let lines = rng.random_range(2..=6);
            joined(rng, lines, "\n")
        }
        1_300..2_000 => joined(rng, 2, " "),
        2_000..6_500 => filled(rng, &HAN),
        _ => filled(rng, &ENGLISH),
    }
}

/// Returns the title of a post: one line, never empty, far below 200 characters.
pub(super) fn title(rng: &mut StdRng) -> String {
    filled(rng, &TITLES)
}

/// Returns the text of a post: one to six paragraphs.
pub(super) fn body(rng: &mut StdRng) -> String {
    let paragraphs: Vec<_> = (0..rng.random_range(1..=6))
        .map(|_| {
            let sentences = rng.random_range(2..=8);
            joined(rng, sentences, " ")
        })
        .collect();
    paragraphs.join("\n\n")
}

/// Returns a comment: one or two sentences.
pub(super) fn comment(rng: &mut StdRng) -> String {
    match rng.random_range(0..100) {
        0..8 => one(rng, &EMOJI).to_owned(),
        8..10 => filled(rng, &LITERAL),
        10..80 => joined(rng, 1, " "),
        _ => joined(rng, 2, " "),
    }
}

/// Returns sentences of either language.
fn joined(rng: &mut StdRng, sentences: usize, between: &str) -> String {
    let mut text = String::new();
    for i in 0..sentences {
        if i > 0 {
            text.push_str(between);
        }
        let language = if rng.random() { &HAN } else { &ENGLISH };
        text.push_str(&filled(rng, language));
    }
    text
}

/// Returns one of the sentences with its slots filled.
fn filled(rng: &mut StdRng, sentences: &[&'static str]) -> String {
    let mut pieces = one(rng, sentences).split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (slot, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        // Results are ignored below: writing to a String cannot fail.
        match slot {
            "s}" => text.push_str(any_stock(rng).0),
            "n}" => text.push_str(any_stock(rng).1),
            "b}" => {
                let (symbol, name) = any_stock(rng);
                let _ = write!(text, "{name}（{symbol}）");
            }
            "t}" => text.push_str(one(rng, &TOPICS)),
            "h}" => text.push_str(one(rng, &HAN_TOPICS)),
            "e}" => text.push_str(one(rng, &EMOJI)),
            "d}" => {
                let number = rng.random_range(10..2_000);
                let _ = write!(text, "{number}");
            }
            // A brace without a slot.
            _ => {
                text.push('{');
                text.push_str(slot);
            }
        }
        text.push_str(rest);
    }
    text
}

fn one(rng: &mut StdRng, from: &[&'static str]) -> &'static str {
    from[rng.random_range(0..from.len())]
}
