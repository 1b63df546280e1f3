//! The retail file: UCI Online Retail as csv, plain or gzipped, read into invoices.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flate2::read::MultiGzDecoder;
use host::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

/// Where the shop's clocks hang.
pub const TIME_ZONE: &str = "Europe/London";

/// What a gzipped file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// No shop asks more for one piece; sums then never overflow.
const HIGHEST_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const HIGHEST_QUANTITY: u64 = 1_000_000_000;

/// An invoice or a credit note.
#[derive(Clone, Debug, PartialEq)]
pub struct Invoice {
    /// Its number; that of a credit note begins with C.
    pub number: String,
    pub time: Timestamp,
    /// None: nobody knows who bought.
    pub customer: Option<String>,
    pub lines: Vec<Line>,
}

/// One row of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its place in the invoice, from 1.
    pub position: usize,
    pub sku: String,
    pub name: String,
    /// Below 0 on credit notes.
    pub quantity: i64,
    /// For one piece, in whole pence.
    pub price: Decimal,
}

impl Invoice {
    /// Whether it gives money back.
    pub fn is_credit_note(&self) -> bool {
        self.number.starts_with('C')
    }
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "InvoiceNo")]
    invoice: &'a str,
    #[serde(rename = "StockCode")]
    sku: &'a str,
    #[serde(rename = "Description")]
    name: &'a str,
    #[serde(rename = "Quantity")]
    quantity: &'a str,
    #[serde(rename = "InvoiceDate")]
    time: &'a str,
    #[serde(rename = "UnitPrice")]
    price: &'a str,
    #[serde(rename = "CustomerID")]
    customer: &'a str,
}

/// Reads the invoices of a file by their time, at most so many.
pub fn read(file: &Path, limit: Option<usize>) -> Result<Vec<Invoice>> {
    let opened = || -> Result<Vec<Invoice>> {
        let mut content = BufReader::new(File::open(file)?);
        let zipped = content.fill_buf()?.starts_with(&GZIP);
        if zipped { invoices(MultiGzDecoder::new(content)) } else { invoices(content) }
    };
    let mut invoices = opened().with_context(|| format!("cannot read {}", file.display()))?;
    ensure!(!invoices.is_empty(), "{} has no invoices", file.display());
    invoices.truncate(limit.unwrap_or(usize::MAX));
    Ok(invoices)
}

/// Rows belong to an invoice by its number, wherever they stand; its time and customer are those of its first row.
pub fn invoices(content: impl Read) -> Result<Vec<Invoice>> {
    let zone = TimeZone::get(TIME_ZONE)?;
    let mut reader = csv::Reader::from_reader(content);
    let columns = reader.headers()?.clone();
    let mut invoices: Vec<Invoice> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for record in reader.records() {
        let record = record?;
        let number = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&columns))?;
        let read = (|| {
            let place = match places.entry(row.invoice.to_owned()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    invoices.push(row.invoice(&zone)?);
                    *new.insert(invoices.len() - 1)
                }
            };
            let lines = &mut invoices[place].lines;
            lines.push(row.line(lines.len() + 1)?);
            anyhow::Ok(())
        })();
        read.with_context(|| format!("line {number}"))?;
    }
    invoices.sort_by_key(|invoice| invoice.time);
    Ok(invoices)
}

impl Row<'_> {
    /// The invoice that this row begins.
    fn invoice(&self, zone: &TimeZone) -> Result<Invoice> {
        let plain = !self.invoice.is_empty() && self.invoice.bytes().all(|byte| byte.is_ascii_alphanumeric());
        ensure!(plain, "{:?} is no invoice number: letters and digits", self.invoice);
        let local: DateTime = self.time.parse().with_context(|| format!("{:?} is no time", self.time))?;
        // spreadsheets make decimals of numbers with gaps: 17850.0
        let customer = self.customer.strip_suffix(".0").unwrap_or(self.customer);
        Ok(Invoice {
            number: self.invoice.to_owned(),
            time: zone.to_timestamp(local)?,
            customer: (!customer.is_empty()).then(|| customer.to_owned()),
            lines: Vec::new(),
        })
    }

    fn line(&self, position: usize) -> Result<Line> {
        ensure!(!self.sku.trim().is_empty(), "the stock code is empty");
        let quantity: i64 = self.quantity.parse().with_context(|| format!("{:?} is no whole quantity", self.quantity))?;
        ensure!(quantity.unsigned_abs() <= HIGHEST_QUANTITY, "a quantity of {quantity}");
        let sku = self.sku.trim().to_owned();
        Ok(Line { position, sku, name: self.name.trim().to_owned(), quantity, price: pence(self.price)? })
    }
}

/// A price in whole pence; half a penny is a penny.
pub fn pence(text: &str) -> Result<Decimal> {
    let exact = Decimal::from_str_exact(text).with_context(|| format!("{text:?} is no price"))?;
    ensure!(exact.abs() <= HIGHEST_PRICE, "a price of {exact}");
    let mut pence = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    pence.rescale(2);
    Ok(pence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const FILE: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
100,A,\"MUG, RED \",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
100,B,,1,2010-12-01 08:26:00,3,17850.0,United Kingdom
101,A,MUG,2,2010-12-01 08:28:00,2.55,,United Kingdom
100,C,JUG,1,2010-12-01 08:27:00,0.001,17850.0,United Kingdom
C102,A,MUG,-1,2011-05-31 09:00:00,2.55,17850.0,United Kingdom
";

    #[test]
    fn rows_are_grouped_by_invoice_in_the_sequence_of_the_file() {
        let invoices = invoices(FILE.as_bytes()).unwrap();
        let numbers: Vec<_> = invoices.iter().map(|invoice| (invoice.number.as_str(), invoice.lines.len())).collect();
        assert_eq!(numbers, [("100", 3), ("101", 1), ("C102", 1)]);
        assert_eq!(invoices[0].customer.as_deref(), Some("17850"));
        assert_eq!(invoices[1].customer, None);
        assert_eq!((invoices[0].lines[0].name.as_str(), invoices[0].lines[1].name.as_str()), ("MUG, RED", ""));
        let places: Vec<_> = invoices[0].lines.iter().map(|line| (line.position, line.sku.as_str())).collect();
        assert_eq!(places, [(1, "A"), (2, "B"), (3, "C")]);
        assert!(invoices[2].is_credit_note() && !invoices[0].is_credit_note());
    }

    #[test]
    fn times_are_those_of_london() {
        let invoices = invoices(FILE.as_bytes()).unwrap();
        assert_eq!(invoices[0].time.to_string(), "2010-12-01T08:26:00Z", "winter; the first row's time");
        assert_eq!(invoices[2].time.to_string(), "2011-05-31T08:00:00Z", "summer");
    }

    #[test]
    fn prices_are_rounded_to_pence_half_up() {
        let rounded = ["2.55", "3", "7.5", "0.001", "0.005", "0.0049", "1.125", "1.135", "-11062.06"];
        let rounded = rounded.map(|text| pence(text).unwrap().to_string());
        assert_eq!(rounded, ["2.55", "3.00", "7.50", "0.00", "0.01", "0.00", "1.13", "1.14", "-11062.06"]);
        for wrong in ["", "two", "1,50", "1e3", "99999999999"] {
            assert!(pence(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_gzipped_file_reads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, zipped) = (folder.path().join("a.csv"), folder.path().join("a.csv.gz"));
        std::fs::write(&plain, FILE).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(File::create(&zipped).unwrap(), flate2::Compression::fast());
        encoder.write_all(FILE.as_bytes()).unwrap();
        encoder.finish().unwrap();
        assert_eq!(read(&plain, None).unwrap(), read(&zipped, None).unwrap());
        assert_eq!(read(&zipped, Some(2)).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        let with = |row: &str| format!("{}{row}\n", FILE);
        for (row, expected) in [
            ("103,A,MUG,1.5,2010-12-01 08:26:00,2.55,,UK", "\"1.5\" is no whole quantity"),
            ("103,A,MUG,1,yesterday,2.55,,UK", "\"yesterday\" is no time"),
            ("103,A,MUG,1,2010-12-01 08:26:00,cheap,,UK", "\"cheap\" is no price"),
            ("1/3,A,MUG,1,2010-12-01 08:26:00,1,,UK", "\"1/3\" is no invoice number"),
            ("103,,MUG,1,2010-12-01 08:26:00,1,,UK", "the stock code is empty"),
        ] {
            let error = format!("{:#}", invoices(with(row).as_bytes()).unwrap_err());
            assert!(error.starts_with("line 7: ") && error.contains(expected), "{error}");
        }
        let error = format!("{:#}", invoices("InvoiceNo,Quantity\n1,2\n".as_bytes()).unwrap_err());
        assert!(error.contains("StockCode"), "{error}");
    }
}
