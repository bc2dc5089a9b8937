//! The data of the retail demo: a shop, a CRM and social media, made from a seed.
//!
//! The same seed and size always give the same bytes. The shop's files are as untidy as real exports: duplicated
//! lines, blank lines, quantities that are no numbers, negative quantities and lines that end too early. The
//! generator counts what it wrote, so that the demo can check what the pipeline made of it.

use std::fmt::Write as _;

const PRODUCTS: [(&str, u64); 12] = [
    ("espresso machine", 18_900),
    ("coffee beans 1 kg", 1_850),
    ("grinder", 8_900),
    ("kettle", 4_500),
    ("mug", 950),
    ("tea, loose", 690),
    ("teapot", 2_790),
    ("milk frother", 3_490),
    ("paper filters", 390),
    ("scale", 2_990),
    ("travel cup", 1_990),
    ("cleaning kit", 1_250),
];
const CITIES: [(&str, &str); 10] = [
    ("Berlin", "DE"),
    ("Hamburg", "DE"),
    ("München", "DE"),
    ("Wien", "AT"),
    ("Zürich", "CH"),
    ("Paris", "FR"),
    ("Lyon", "FR"),
    ("Milano", "IT"),
    ("København", "DK"),
    ("Łódź", "PL"),
];
/// Segments as people typed them into the CRM; conforming gives consumer, corporate and home office.
const SEGMENTS: [&str; 6] = ["consumer", "Consumer", "corporate", "CORPORATE ", "home office", "Home Office"];
const CHANNELS: [&str; 3] = ["web", "store", "app"];
const PLATFORMS: [&str; 4] = ["instagram", "tiktok", "youtube", "mastodon"];
const KINDS: [&str; 4] = ["view", "like", "comment", "share"];

/// The size and the seed of the demo's data.
pub(crate) struct Shop {
    /// Orders over all days, without duplicates and malformed rows.
    pub(crate) orders: u64,
    /// Days over which the orders are spread, at least 1.
    pub(crate) days: u32,
    /// The same seed gives the same data.
    pub(crate) seed: u64,
}

/// One day's orders file and what is in it.
pub(crate) struct OrdersFile {
    pub(crate) bytes: Vec<u8>,
    /// Lines after the header; a blank one is a row too, of nothing but NULLs.
    pub(crate) rows: u64,
    /// Distinct orders with every field and a positive quantity.
    pub(crate) good: u64,
}

/// One day's interactions file and what is in it.
pub(crate) struct InteractionsFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: u64,
}

impl Shop {
    /// Customers in the CRM: one for twenty orders, at least 100.
    pub(crate) fn customers(&self) -> u64 {
        (self.orders / 20).max(100)
    }

    /// The date of day `day` (0-based), as `YYYY-MM-DD`.
    pub(crate) fn date(&self, day: u32) -> String {
        let first = chrono::NaiveDate::from_ymd_opt(2026, 9, 1).unwrap_or_default();
        (first + chrono::Days::new(u64::from(day))).format("%Y-%m-%d").to_string()
    }

    /// The CRM's export: one JSON object a line, with a nested address.
    pub(crate) fn crm(&self) -> Vec<u8> {
        let mut random = Random::new(self.seed, 1);
        let mut out = String::with_capacity(self.customers() as usize * 160);
        for id in 1..=self.customers() {
            let (city, country) = random.pick(&CITIES);
            let segment = random.pick(&SEGMENTS);
            let (street, code) = (random.below(200) + 1, 10_000 + random.below(80_000));
            let _ = writeln!(
                out,
                r#"{{"customer_id":{id},"name":"Customer {id}","segment":"{segment}","address":{{"street":"Main Street {street}","city":"{city}","zip":"{code}","country":"{country}"}},"since":"20{:02}-{:02}-01"}}"#,
                10 + random.below(16),
                1 + random.below(12),
            );
        }
        out.into_bytes()
    }

    /// The shop's export of one day, CSV with a header.
    pub(crate) fn orders_of(&self, day: u32) -> OrdersFile {
        let mut random = Random::new(self.seed, 1_000 + u64::from(day));
        let date = self.date(day);
        let (from, to) = self.order_ids(day);
        let mut out = String::with_capacity((to - from) as usize * 72);
        out.push_str("order_id,customer_id,ordered_at,product,quantity,unit_price,channel\n");
        let (mut rows, mut good) = (0, 0);
        for id in from..to {
            let line = self.order_line(&mut random, id, &date);
            let copies = match random.below(1_000) {
                0..10 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                out.push_str(&line);
            }
            rows += copies;
            good += 1;
            rows += bad_line(&mut random, &mut out, id, &date);
        }
        OrdersFile { bytes: out.into_bytes(), rows, good }
    }

    /// What people did on social media that day: one JSON array.
    pub(crate) fn interactions_of(&self, day: u32) -> InteractionsFile {
        let mut random = Random::new(self.seed, 500_000 + u64::from(day));
        let date = self.date(day);
        let (from, to) = self.order_ids(day);
        let mut out = String::from("[\n");
        let mut rows = 0;
        for id in (from..to).step_by(2) {
            rows += 1;
            let comma = if id == from { "" } else { ",\n" };
            let (platform, kind) = (random.pick(&PLATFORMS), random.pick(&KINDS));
            let (product, _) = random.pick(&PRODUCTS);
            let (customer, clock) = (random.below(self.customers()) + 1, random.clock());
            let _ = write!(
                out,
                r#"{comma}{{"interaction_id":{id},"customer_id":{customer},"platform":"{platform}","kind":"{kind}","product":"{product}","at":"{date}T{clock}Z"}}"#,
            );
        }
        out.push_str("\n]\n");
        InteractionsFile { bytes: out.into_bytes(), rows }
    }

    fn order_line(&self, random: &mut Random, id: u64, date: &str) -> String {
        let (product, cents) = random.pick(&PRODUCTS);
        let (customer, quantity) = (random.below(self.customers()) + 1, random.below(5) + 1);
        let (channel, clock) = (random.pick(&CHANNELS), random.clock());
        // A comma in a name makes a field that must be quoted.
        let product = if product.contains(',') { format!("\"{product}\"") } else { product.to_owned() };
        format!(
            "{id},{customer},{date} {clock},{product},{quantity},{}.{:02},{channel}\n",
            cents / 100,
            cents % 100
        )
    }

    /// Ids of the orders of a day, the end exclusive: every day has its share.
    fn order_ids(&self, day: u32) -> (u64, u64) {
        let days = u64::from(self.days.max(1));
        let start = |d: u64| 1 + self.orders * d / days;
        (start(u64::from(day)), start(u64::from(day) + 1))
    }
}

/// Now and then adds a line that no order should come from; returns how many rows it adds.
fn bad_line(random: &mut Random, out: &mut String, id: u64, date: &str) -> u64 {
    let bad_id = id + 1_000_000_000;
    match random.below(1_000) {
        0..2 => {
            out.push('\n');
        }
        2..5 => {
            let _ = writeln!(out, "{bad_id},17,{date} 12:00:00,mug,n/a,9.50,web");
        }
        5..7 => {
            let _ = writeln!(out, "{bad_id},23,{date} 12:00:00");
        }
        7..8 => {
            let _ = writeln!(out, "{bad_id},29,{date} 12:00:00,kettle,-2,45.00,store");
        }
        _ => return 0,
    }
    1
}

/// SplitMix64: small, fast, and the same for ever (the generators of `rand` may change between releases).
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; `bound` is at least 1.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn clock(&mut self) -> String {
        let second = self.below(86_400);
        format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Shop = Shop { orders: 10_000, days: 7, seed: 7 };

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        assert_eq!(SHOP.orders_of(3).bytes, SHOP.orders_of(3).bytes);
        let other = Shop { seed: 8, ..SHOP };
        assert_ne!(SHOP.orders_of(3).bytes, other.orders_of(3).bytes);
    }

    #[test]
    fn every_order_is_in_exactly_one_day() {
        let good: u64 = (0..SHOP.days).map(|day| SHOP.orders_of(day).good).sum();
        assert_eq!(good, SHOP.orders);
        assert_eq!(SHOP.order_ids(6).1, SHOP.order_ids(7).0);
    }

    #[test]
    fn rows_counts_the_lines() {
        let file = SHOP.orders_of(2);
        let text = String::from_utf8(file.bytes).expect("utf-8");
        let lines = text.lines().skip(1).count() as u64;
        assert_eq!(file.rows, lines);
        assert!(file.rows > file.good, "there are duplicates and malformed rows");
        assert!(text.contains("n/a") && text.contains("\n\n"));
    }

    #[test]
    fn interactions_are_one_json_array() {
        let file = SHOP.interactions_of(0);
        let parsed: serde_json::Value = serde_json::from_slice(&file.bytes).expect("json");
        assert_eq!(parsed.as_array().map(Vec::len), Some(file.rows as usize));
        assert!(file.rows > 100);
    }
}
