//! Persons and their store, what members agreed to, and the going of a person.

use domain::judgement::{Enrolment, Grant};
use domain::snapshot::{AcceptedRules, Agreed, Snapshot};
use domain::{Id, Instant, Points};
use ledger::{Applicant, Asked, Identities, NewCode, Refusal};
use store::{Alike, Load, SealedPerson, StoreError};

use crate::auditing::check_of_three;
use crate::database::{Sqlite, run};
use crate::purchase::purchase;
use crate::shop::{NOW, Shop, day};

fn people() -> Sqlite {
    let people = Sqlite::empty();
    run(store::schema::migrate(&people, &store::schema::PEOPLE, NOW)).expect("an empty store is migrated");
    people
}

fn person(command: Id, member: Id, sealed: &str) -> SealedPerson {
    SealedPerson { id: command, member_id: member, sealed: sealed.to_owned() }
}

fn write(people: &Sqlite, person: &SealedPerson, likeness: Option<&str>, at: Instant) {
    run(store::write_person(people, person, likeness, &[], at)).expect("it is written");
}

fn agreed(shop: &Shop, member: Id) -> Agreed {
    shop.load(&Load { member: Some(member), agreed: true, ..Load::default() }).agreed.expect("it was asked for")
}

fn consents(shop: &mut Shop, member: Id, channel: &str, granted: bool) {
    let command = shop.command();
    let plan = ledger::consent(&shop.snapshot(member), channel, granted, "the site").expect("the member is there");
    shop.post(&command, &plan);
}

fn accepts(shop: &mut Shop, member: Id, version: &str) {
    let command = shop.command();
    let plan = ledger::accept(&shop.snapshot(member), version).expect("the member is there");
    shop.post(&command, &plan);
}

fn erases(shop: &mut Shop, member: Id) {
    let command = shop.command();
    let plan = ledger::erase(&shop.snapshot(member), Id(3)).expect("the member is there");
    shop.post(&command, &plan);
}

fn granted(agreed: &Agreed) -> Vec<(&str, bool)> {
    agreed.consents.iter().map(|(channel, granted)| (channel.as_str(), *granted)).collect()
}

#[test]
fn persons_are_written_by_command_and_removed_in_a_store_of_their_own() {
    let people = people();
    let (anna, change) = (Id(7), Id(8));
    assert_eq!(run(store::persons(&people, &[anna])), Ok(vec![]));
    write(&people, &person(anna, anna, "sealed"), None, NOW);
    write(&people, &person(change, anna, "changed"), None, NOW);
    let both = vec![person(anna, anna, "sealed"), person(change, anna, "changed")];
    assert_eq!(run(store::persons(&people, &[anna, change])), Ok(both.clone()));
    assert_eq!(run(store::person_versions(&people, &[anna])), Ok(both));
    run(store::remove_persons(&people, &[change])).expect("it is removed");
    assert_eq!(run(store::persons(&people, &[change])), Ok(vec![]));
    run(store::erase_persons(&people, &[anna])).expect("it is removed");
    assert_eq!(run(store::person_versions(&people, &[anna])), Ok(vec![]));
}

#[test]
fn a_person_whose_answer_was_lost_is_written_again_and_another_one_never_takes_its_place() {
    let people = people();
    let anna = person(Id(7), Id(7), "anna");
    for _ in 0..2 {
        write(&people, &anna, Some("likeness"), NOW);
    }
    let before = people.everything();
    for other in [person(anna.id, anna.member_id, "boris"), person(anna.id, Id(9), "anna")] {
        assert_eq!(run(store::write_person(&people, &other, None, &[], day(1))), Err(StoreError::Stale));
    }
    assert_eq!(people.everything(), before);
}

#[test]
fn what_was_refused_is_taken_back_and_another_person_of_the_same_id_stays() {
    let people = people();
    let (anna, refused) = (person(Id(7), Id(7), "anna"), person(Id(8), Id(8), "refused"));
    write(&people, &anna, None, NOW);
    write(&people, &refused, None, NOW);
    let boris = person(anna.id, Id(9), "boris");
    run(store::take_back_persons(&people, &[boris, refused.clone()])).expect("they are removed");
    assert_eq!(run(store::persons(&people, &[anna.id, refused.id])), Ok(vec![anna]));
}

#[test]
fn a_sweep_looks_at_each_person_once_and_finds_those_whose_command_never_came() {
    let (shop, anna) = Shop::with_member(0);
    let people = people();
    let (stranger, late) = (Id(anna.0 + 1), Id(anna.0 + 2));
    for (command, at) in [(anna, NOW), (stranger, NOW), (late, day(1))] {
        write(&people, &person(command, anna, "sealed"), None, at);
    }
    let unswept = |bound| run(store::unswept(&people, day(1), bound)).expect("they are read");
    assert_eq!((unswept(1), unswept(9)), (vec![anna], vec![anna, stranger]));
    assert_eq!(run(store::strangers(&shop.db, &[anna, stranger])), Ok(vec![stranger]));
    run(store::remove_persons(&people, &[stranger])).expect("it is removed");
    run(store::swept(&people, stranger)).expect("it is kept");
    run(store::swept(&people, anna)).expect("one that was slower changes nothing");
    assert_eq!(unswept(9), []);
    assert_eq!(run(store::unswept(&people, day(2), 9)), Ok(vec![late]));
    assert_eq!(run(store::persons(&people, &[stranger])), Ok(vec![]));
    assert_eq!(run(store::persons(&people, &[anna])), Ok(vec![person(anna, anna, "sealed")]));
}

#[test]
fn what_the_old_key_sealed_is_found_page_by_page_and_replaced_unless_somebody_was_faster() {
    let people = people();
    for (command, sealed) in [(1, "aaaaaaaaX"), (2, "bbbbbbbbX"), (3, "ccccccccX"), (4, "aaaaaaaaX")] {
        write(&people, &person(Id(command), Id(command), sealed), None, NOW);
    }
    let by = |after, bound| run(store::sealed_by(&people, "aaaaaaaa", Id(after), bound)).expect("they are read");
    let ids = |page: Vec<SealedPerson>| page.into_iter().map(|person| person.id.0).collect::<Vec<_>>();
    assert_eq!([ids(by(0, 1)), ids(by(0, 9)), ids(by(1, 9)), ids(by(4, 9))], [vec![1], vec![1, 4], vec![4], vec![]]);
    let others = |bound| run(store::sealed_otherwise(&people, "bbbbbbbb", bound)).expect("they are counted");
    assert_eq!([others(2), others(9)], [2, 3], "with those whose key nobody has");
    let old = by(0, 9);
    run(store::reseal(&people, &old[0], "bbbbbbbbY")).expect("it is written");
    run(store::reseal(&people, &old[0], "bbbbbbbbZ")).expect("it was sealed otherwise meanwhile");
    assert_eq!(run(store::persons(&people, &[Id(1)])), Ok(vec![person(Id(1), Id(1), "bbbbbbbbY")]));
    assert_eq!(others(9), 2);
}

#[test]
fn persons_who_are_alike_are_told_by_versions_that_stand() {
    let (mut shop, anna) = Shop::with_member(0);
    let (boris, clara) = (shop.enrol(&[]), shop.enrol(&[]));
    let people = people();
    for (member, likeness) in [(anna, Some("twins")), (boris, Some("twins")), (clara, Some("only")), (Id(9), None)] {
        write(&people, &person(member, member, "sealed"), likeness, NOW);
    }
    let groups = run(store::alike(&people, "", 9)).expect("they are read");
    assert_eq!(groups, [Alike { likeness: "twins".to_owned(), versions: vec![(anna, anna), (boris, boris)] }]);
    assert_eq!(run(store::alike(&people, "twins", 9)), Ok(vec![]));
    shop.merge(boris, anna);
    assert_eq!(run(store::standing_versions(&shop.db, &groups[0].versions)), Ok(vec![anna]));
}

#[test]
fn the_last_word_on_a_channel_stands_and_all_words_are_kept() {
    let (mut shop, anna) = Shop::with_member(0);
    assert_eq!(agreed(&shop, anna), Agreed::default());
    for (channel, yes) in [("sms", true), ("email", true), ("sms", false)] {
        consents(&mut shop, anna, channel, yes);
    }
    assert_eq!(granted(&agreed(&shop, anna)), [("email", true), ("sms", false)]);
    let history = run(store::consents(&shop.db, anna, i64::MAX, 2)).expect("they are read");
    assert_eq!(history.iter().map(|row| (row.channel.as_str(), row.granted)).collect::<Vec<_>>(), [("sms", 0), ("email", 1)]);
    assert_eq!(run(store::consents(&shop.db, anna, history[1].id, 9)).expect("they are read").len(), 1);
    accepts(&mut shop, anna, "2026-01");
    shop.now = day(1);
    accepts(&mut shop, anna, "2026-02");
    assert_eq!(agreed(&shop, anna).rules, Some(AcceptedRules { rules_version: "2026-02".to_owned(), at: day(1) }));
    assert_eq!(run(store::acceptances(&shop.db, anna, i64::MAX, 9)).expect("they are read").len(), 2);
    assert_eq!(shop.audit(), []);
}

#[test]
fn a_merge_keeps_the_no_of_either_member_and_the_later_rules() {
    let (mut shop, anna) = Shop::with_member(0);
    let boris = shop.enrol(&[]);
    for (member, channel, yes) in
        [(anna, "email", true), (anna, "sms", true), (boris, "sms", false), (boris, "push", true), (boris, "email", true)]
    {
        consents(&mut shop, member, channel, yes);
    }
    accepts(&mut shop, anna, "old");
    shop.now = day(1);
    accepts(&mut shop, boris, "new");
    shop.now = day(2);
    shop.merge(boris, anna);
    let after = agreed(&shop, anna);
    assert_eq!(granted(&after), [("email", true), ("sms", false)], "a yes is this member's own matter");
    assert_eq!(after.rules, Some(AcceptedRules { rules_version: "new".to_owned(), at: day(1) }), "when it was said");
    let history = run(store::consents(&shop.db, anna, i64::MAX, 9)).expect("they are read");
    assert_eq!(history.len(), 6, "both histories, and what was carried over");
    assert_eq!(shop.audit(), []);
}

#[test]
fn a_change_is_made_of_the_version_that_stands_and_moves_identities() {
    let (mut shop, anna) = Shop::with_member(0);
    let before = shop.snapshot(anna);
    let phone = format!("phone {}", anna.0);
    let change = |added: &str| Identities { kinds: vec!["phone"], added: vec![("phone", added.to_owned())] };
    let command = shop.command();
    let plan = ledger::change_profile(&before, change("another phone")).expect("the member is there");
    shop.post(&command, &plan);
    assert_eq!(shop.snapshot(anna).member.map(|member| member.profile), Some(command.ids.clone().next()));
    let by = |hash: &str| {
        let load = Load { identity: Some(hash.to_owned()), ..Load::default() };
        shop.load(&load).member.map(|member| member.id)
    };
    assert_eq!((by(&phone), by("another phone")), (None, Some(anna)));
    // two changes of one version
    let late = ledger::change_profile(&before, change("a third phone")).expect("the member is there");
    let command = shop.command();
    assert_eq!(shop.apply(&command, &late), Err(StoreError::Stale));
    assert_eq!(shop.audit(), []);
}

#[test]
fn an_erased_member_has_numbers_and_is_nobody() {
    let (mut shop, anna) = Shop::with_member(100);
    let twin = shop.enrol(&[("welcome", 7, NOW, None)]);
    let bought = purchase("A").line("a", 1_000, 10_000).earns("purchase", &[50]);
    shop.order(anna, &bought, None);
    consents(&mut shop, anna, "sms", true);
    shop.merge(twin, anna);
    let (balance, before) = (shop.balance(anna), shop.snapshot(anna));
    erases(&mut shop, anna);
    let after = shop.snapshot(anna).member.expect("the numbers are there");
    assert_eq!((after.is_erased(), after.orders, shop.balance(anna)), (true, 1, balance.clone()));
    assert_eq!(shop.db.number("SELECT count(*) FROM identity"), 0);
    assert_eq!(shop.db.number("SELECT count(*) FROM privacy_log WHERE kind = 'erasure' AND caller_id = 3"), 1);
    let mut gone = run(store::erased(&shop.db, NOW)).expect("they are read");
    gone.sort_unstable();
    assert_eq!(gone, [anna, twin], "with whoever was merged into it");
    assert_eq!(run(store::erased(&shop.db, day(1))), Ok(vec![]));
    // nothing more is written of the member, also by plans that were made before
    assert_eq!(ledger::erase(&shop.snapshot(anna), Id(3)).unwrap_err(), Refusal::MemberErased);
    let late = [
        ledger::consent(&before, "email", true, "late").expect("the member was there"),
        ledger::accept(&before, "late").expect("the member was there"),
        ledger::change_profile(&before, Identities::default()).expect("the member was there"),
        ledger::erase(&before, Id(3)).expect("the member was there"),
    ];
    for plan in late {
        let command = shop.command();
        assert_eq!(shop.apply(&command, &plan), Err(StoreError::Stale));
    }
    // goods come back all the same
    shop.take_back("back", "A", &[("a", 1_000)]);
    assert_eq!(shop.balance(anna).available.0, balance.available.0 - 50);
    // the same phone is a new person's
    let command = shop.command();
    let id = command.ids.clone().next();
    let identities = vec![("phone", format!("phone {}", anna.0))];
    let applicant = Applicant { identities, ..Applicant::new(id, "site", "new") };
    let enrolled = ledger::enrol(applicant, &Enrolment::default(), &shop.terms, command.clone()).expect("nothing is granted");
    shop.post(&command, &enrolled.plan);
    assert_eq!(shop.audit(), []);
    assert_eq!(shop.differences(), []);
}

#[test]
fn a_person_whom_no_command_wrote_or_who_is_gone_and_still_known() {
    let finding = "person of a member was written by no command, or is gone and still known";
    for change in ["profile = 1", "status = 'erased'"] {
        let anna = |anna: Id, _, _| format!("SELECT {}", anna.0);
        check_of_three(|anna: Id, _, _| format!("UPDATE member SET {change} WHERE id = {}", anna.0), finding, anna);
    }
}

#[test]
fn a_consent_that_nobody_told() {
    let finding = "what somebody agreed to was told by no command or by no member";
    for (command, member) in [("1", "(SELECT min(id) FROM member)"), ("(SELECT min(id) FROM command)", "1")] {
        let corruption = format!(
            "INSERT INTO acceptance (id, command_id, member_id, rules_version, at) VALUES (5, {command}, {member}, '1', 0)"
        );
        check_of_three(|_, _, _| corruption, finding, |_, _, _| "SELECT 5".to_owned());
    }
}

fn welcome(points: i64) -> Enrolment {
    let grant = Grant { rule_id: "welcome".to_owned(), points: Points(points), activates_at: NOW, expires_at: None };
    Enrolment { grants: vec![grant], ..Enrolment::default() }
}

fn asked(shop: &Shop, member: Id) -> Snapshot {
    shop.load(&Load { member: Some(member), agreed: true, ..Load::default() })
}

#[test]
fn the_right_code_confirms_once_and_brings_the_welcome() {
    let mut shop = Shop::open();
    let anna = shop.joins_unconfirmed(true);
    let before = asked(&shop, anna);
    let sent = before.agreed.clone().expect("it was asked for");
    assert_eq!((sent.awaits_welcome, sent.code.map(|code| (code.id, code.hash))), (1, Some((anna, "hash".to_owned()))));
    let member = before.member.clone().expect("the member is there");
    let asked_for_a_code = Asked { code: true, rules_version: None };
    assert_eq!(ledger::may_spend(&member, None, asked_for_a_code), Err(Refusal::MemberNotConfirmed));
    assert_eq!(ledger::may_spend(&member, None, Asked::default()), Ok(()), "a program that asks no more");
    let command = shop.command();
    let confirmed = ledger::confirm_member(&before, true, &welcome(500), None, &shop.terms, command.clone()).expect("it waits");
    shop.post(&command, &confirmed.plan);
    assert_eq!((shop.balance(anna), confirmed.balance.available), (confirmed.balance.clone(), Points(500)));
    let after = asked(&shop, anna);
    let member = after.member.clone().expect("the member is there");
    assert_eq!((member.status.as_str(), ledger::may_spend(&member, None, asked_for_a_code)), ("active", Ok(())));
    // the same code twice at once
    let command = shop.command();
    let twice = ledger::confirm_member(&before, true, &welcome(500), None, &shop.terms, command.clone()).expect("it waited");
    assert_eq!(shop.apply(&command, &twice.plan), Err(StoreError::Stale));
    let command = shop.command();
    let again = ledger::confirm_member(&after, true, &welcome(500), None, &shop.terms, command);
    assert_eq!(again.unwrap_err(), Refusal::AlreadyConfirmed);
    assert_eq!(shop.audit(), []);
}

#[test]
fn three_wrong_codes_or_its_time_end_a_code_and_another_one_begins_anew() {
    let mut shop = Shop::open();
    let anna = shop.joins_unconfirmed(false);
    let tries = |shop: &mut Shop, right: bool| {
        let command = shop.command();
        let tried = ledger::confirm_member(&asked(shop, anna), right, &welcome(0), None, &shop.terms, command.clone())?;
        shop.post(&command, &tried.plan);
        Ok(tried.attempts_left)
    };
    let code = || NewCode { hash: "other".to_owned(), sealed: "sealed".to_owned() };
    assert_eq!([tries(&mut shop, false), tries(&mut shop, false), tries(&mut shop, false)], [Ok(2), Ok(1), Ok(0)]);
    assert_eq!(tries(&mut shop, true), Err(Refusal::CodeExpired));
    let soon = ledger::send_code(&asked(&shop, anna), code(), &shop.command());
    assert_eq!(soon.unwrap_err(), Refusal::TooManyCodes { wait_seconds: 60 });
    shop.now = Instant(NOW.0 + 60_000);
    let command = shop.command();
    let plan = ledger::send_code(&asked(&shop, anna), code(), &command).expect("a minute passed");
    shop.post(&command, &plan);
    assert_eq!(tries(&mut shop, false), Ok(2));
    shop.now = Instant(NOW.0 + 60_000 + 900_000);
    assert_eq!(tries(&mut shop, true), Err(Refusal::CodeExpired), "a quarter of an hour passed");
    assert_eq!(shop.db.number("SELECT count(*) FROM outbox WHERE kind = 'member.code'"), 2);
    assert_eq!(shop.audit(), []);
}

#[test]
fn nobody_spends_without_having_accepted_the_rules_that_the_program_names() {
    let (mut shop, anna) = Shop::with_member(100);
    let may = |shop: &Shop, version: Option<&str>| {
        let snapshot = asked(shop, anna);
        let asked = Asked { code: true, rules_version: version };
        ledger::may_spend(&snapshot.member.expect("the member is there"), snapshot.agreed.as_ref(), asked)
    };
    let required = |version: &str| Err(Refusal::AcceptanceRequired { rules_version: version.to_owned() });
    assert_eq!((may(&shop, None), may(&shop, Some("1"))), (Ok(()), required("1")));
    accepts(&mut shop, anna, "1");
    assert_eq!((may(&shop, Some("1")), may(&shop, Some("2"))), (Ok(()), required("2")));
    for version in ["2", "1"] {
        accepts(&mut shop, anna, version);
    }
    assert_eq!(may(&shop, Some("2")), Ok(()), "an older version that is told late takes nothing back");
}

#[test]
fn a_second_phone_that_a_merge_left_can_be_chosen_and_is_free_then() {
    let (mut shop, anna) = Shop::with_member(0);
    let twin = shop.enrol(&[]);
    shop.merge(twin, anna);
    let (own, other) = (format!("phone {}", anna.0), format!("phone {}", twin.0));
    let command = shop.command();
    let chosen = Identities { kinds: vec!["phone"], added: vec![("phone", other.clone())] };
    let plan = ledger::change_profile(&shop.snapshot(anna), chosen).expect("the member is there");
    shop.post(&command, &plan);
    let known = shop.db.texts("SELECT hash FROM identity");
    assert_eq!(known, [other]);
    assert!(!known.contains(&own));
    assert_eq!(shop.audit(), []);
}

#[test]
fn a_code_is_nothing_for_a_phone_that_it_was_not_sent_to() {
    let mut shop = Shop::open();
    let anna = shop.joins_unconfirmed(false);
    let command = shop.command();
    let other = Identities { kinds: vec!["phone"], added: vec![("phone", "somebody else's".to_owned())] };
    let plan = ledger::change_profile(&shop.snapshot(anna), other).expect("the member is there");
    shop.post(&command, &plan);
    let command = shop.command();
    let tried = ledger::confirm_member(&asked(&shop, anna), true, &welcome(0), None, &shop.terms, command);
    assert_eq!(tried.unwrap_err(), Refusal::CodeExpired);
}

#[test]
fn two_codes_at_once_are_one_and_ten_are_a_day() {
    let mut shop = Shop::open();
    let anna = shop.joins_unconfirmed(false);
    let code = || NewCode { hash: "other".to_owned(), sealed: "sealed".to_owned() };
    for _ in 0..9 {
        shop.now = Instant(shop.now.0 + 60_000);
        let before = asked(&shop, anna);
        let (first, second) = (shop.command(), shop.command());
        let plan = ledger::send_code(&before, code(), &first).expect("a minute passed");
        let rival = ledger::send_code(&before, code(), &second).expect("a minute passed");
        shop.post(&first, &plan);
        assert_eq!(shop.apply(&second, &rival), Err(StoreError::Stale));
    }
    shop.now = Instant(NOW.0 + 3_600_000);
    let command = shop.command();
    let refused = ledger::send_code(&asked(&shop, anna), code(), &command).unwrap_err();
    assert_eq!(refused, Refusal::TooManyCodes { wait_seconds: 23 * 3_600 });
    shop.now = day(1);
    let command = shop.command();
    assert!(ledger::send_code(&asked(&shop, anna), code(), &command).is_ok());
    assert_eq!(shop.audit(), []);
}

#[test]
fn whoever_was_confirmed_as_either_of_two_members_is_and_gets_no_second_welcome() {
    let (mut shop, confirmed) = Shop::with_member(500);
    let anna = shop.joins_unconfirmed(true);
    shop.merge(confirmed, anna);
    let after = asked(&shop, anna);
    assert_eq!(after.member.map(|member| member.status), Some("active".to_owned()));
    assert_eq!(after.agreed.map(|agreed| agreed.awaits_welcome), Some(0));
    assert_eq!(shop.balance(anna).available, Points(500));
    // the other way round nothing is left to confirm either
    let boris = shop.joins_unconfirmed(true);
    shop.merge(boris, anna);
    assert_eq!(shop.db.number(&format!("SELECT count(*) FROM member_code WHERE member_id = {}", boris.0)), 0);
    assert_eq!(shop.audit(), []);
}
