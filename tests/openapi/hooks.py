"""What schemathesis can't know: which members, orders and redemptions there are. Half of the cases that fit the document are
led to some of them, so that they get further than a 404; each of those is a request of its own, not a repeat."""

import json
import os
import random
import uuid

import schemathesis

THINGS = json.loads(os.environ["KOPILKA_THINGS"])
RANDOM = random.Random(int(os.environ["KOPILKA_SEED"]))

# what a parameter of a path stands for, by what stands before it
OF_PATH = {
    "members": "members", "orders": "orders", "redemptions": "redemptions", "vouchers": "vouchers", "keys": "keys",
    "webhooks": "webhooks", "messages": "messages",
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if not case.meta or not case.meta.generation.mode.is_positive:
        return
    headers = case.headers or {}
    if "Idempotency-Key" in headers and RANDOM.random() < 0.9:
        headers["Idempotency-Key"] = str(uuid.UUID(int=RANDOM.getrandbits(128)))
    if RANDOM.random() < 0.5:
        return
    parts = case.operation.path.split("/")
    for before, part in zip(parts, parts[1:]):
        if part.startswith("{") and before in OF_PATH and case.path_parameters:
            case.path_parameters[part[1:-1]] = RANDOM.choice(THINGS[OF_PATH[before]])
    if isinstance(case.body, dict):
        lead(case.body)


def lead(body):
    """Members and redemptions that a body names become some that are there."""
    if isinstance(body.get("member"), dict):
        body["member"] = {"id": RANDOM.choice(THINGS["members"])}
    for field, of in [("redemption_id", "redemptions"), ("order_id", "orders")]:
        if isinstance(body.get(field), str):
            body[field] = RANDOM.choice(THINGS[of])
    if isinstance(body.get("referral_code"), str):
        body["referral_code"] = RANDOM.choice(THINGS["codes"])
    for field in ["to", "from"]:
        if isinstance(body.get(field), (str, dict)):
            body[field] = RANDOM.choice(THINGS["members"])
    # an order in another currency, of tomorrow or with codes that nobody made is refused before anything else is looked at
    if isinstance(body.get("lines"), list) and "currency" in body:
        body["currency"] = "RUB"
        body.pop("vouchers", None)
    if isinstance(body.get("occurred_at"), str):
        body["occurred_at"] = "2026-01-15T09:00:00Z"
    if isinstance(body.get("order"), dict):
        lead(body["order"])
