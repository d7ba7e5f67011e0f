//! Users with Latin and Chinese names.

use super::{DemoPlan, USERS, User};

const GIVEN: [&str; 20] = [
    "Alice", "Ben", "Chloe", "Daniel", "Emma", "Felix", "Grace", "Henry", "Irene", "James", "Karen", "Leo",
    "Mia", "Nathan", "Olivia", "Peter", "Rachel", "Simon", "Tina", "Victor",
];
const FAMILY: [&str; 20] = [
    "Chen", "Lin", "Huang", "Wu", "Tsai", "Smith", "Garcia", "Novak", "Kim", "Tanaka", "Müller", "Silva",
    "Brown", "Dubois", "Rossi", "Nguyen", "Hsu", "Yang", "Cheng", "OBrien",
];
const HAN_FAMILY: [(&str, &str); 15] = [
    ("陳", "chen"),
    ("林", "lin"),
    ("黃", "huang"),
    ("張", "chang"),
    ("李", "li"),
    ("王", "wang"),
    ("吳", "wu"),
    ("劉", "liu"),
    ("蔡", "tsai"),
    ("楊", "yang"),
    ("許", "hsu"),
    ("鄭", "cheng"),
    ("謝", "hsieh"),
    ("郭", "kuo"),
    ("歐陽", "ouyang"),
];
const HAN_GIVEN: [(&str, &str); 16] = [
    ("小明", "xiaoming"),
    ("雅婷", "yating"),
    ("志豪", "chihhao"),
    ("怡君", "yichun"),
    ("家豪", "chiahao"),
    ("淑芬", "shufen"),
    ("俊傑", "chunchieh"),
    ("美玲", "meiling"),
    ("建宏", "chienhung"),
    ("佳穎", "chiaying"),
    ("宗翰", "tsunghan"),
    ("詩涵", "shihhan"),
    ("冠宇", "kuanyu"),
    ("欣怡", "hsinyi"),
    ("承恩", "chengen"),
    ("子晴", "tzuching"),
];
/// Domains that RFC 2606 reserves, so that mail reaches nobody.
const DOMAINS: [&str; 3] = ["example.com", "example.org", "example.net"];

impl DemoPlan {
    /// Returns the users by id. They are the same for every seed.
    pub fn users(self) -> impl Iterator<Item = User> + Send + 'static {
        (0..USERS).map(user)
    }
}

fn user(i: usize) -> User {
    let id = i as i64 + 1;
    let n = i / 2;
    // Both steps share no factor with the number of names, so that no two users get the same one.
    let (username, mailbox) = if i.is_multiple_of(2) {
        let n = n * 13 % (HAN_FAMILY.len() * HAN_GIVEN.len());
        let (family, family_latin) = HAN_FAMILY[n % HAN_FAMILY.len()];
        let (given, given_latin) = HAN_GIVEN[n / HAN_FAMILY.len()];
        (format!("{family}{given}"), format!("{given_latin}.{family_latin}"))
    } else {
        let n = n * 23 % (FAMILY.len() * GIVEN.len());
        let (given, family) = (GIVEN[n / FAMILY.len()], FAMILY[n % FAMILY.len()]);
        let username = match n % 3 {
            0 => format!("{given} {family}"),
            1 => format!("{given}.{family}").to_lowercase(),
            _ => format!("{given}_{family}").to_lowercase(),
        };
        (username, given.to_lowercase())
    };
    User { id, username, email: format!("{mailbox}{id}@{}", DOMAINS[i % DOMAINS.len()]) }
}
