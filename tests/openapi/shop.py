"""Opens a shop with some members, orders, redemptions, vouchers and keys, and prints their ids as JSON."""

import json
import sys
import urllib.request
import uuid

address, admin_key = sys.argv[1:]


def send(method, path, body):
    headers = {"Authorization": f"Bearer {admin_key}", "Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def document():
    request = urllib.request.Request(address + "/v1/program", headers={"Authorization": f"Bearer {admin_key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["document"]


program = document()
program["discounts"] = [{"id": "letter", "type": "percent", "rate": "10", "when": {"voucher": True}}]
program["referral"] = {
    "paid_on": "first_purchase",
    "referrer": {"id": "brought", "points": "50"},
    "referee": {"id": "invited", "points": "30"},
}
send("PUT", "/v1/program", program)
things = {"members": [], "codes": [], "orders": [], "redemptions": [], "vouchers": [], "keys": [], "webhooks": [], "messages": []}
goods = [{"id": "1", "sku": "drill", "quantity": 3, "price": "1000.00"}]
for number in range(20):
    joins = {"phone": f"+7900000{number:04}", "channel": "site", "referral_code": things["codes"][-1] if number % 3 else None}
    joined = send("POST", "/v1/members", joins)
    member = joined["id"]
    things["codes"].append(joined["referral_code"])
    send("POST", f"/v1/members/{member}/adjustments", {"points": "5000", "reason": "a trial"})
    order = {"id": f"order-{number}", "occurred_at": "2026-01-15T09:00:00Z", "channel": "site", "currency": "RUB", "lines": goods}
    if number % 4:
        order["member"] = {"id": member}
    send("POST", "/v1/orders", order)
    cart = {"channel": "site", "currency": "RUB", "lines": goods}
    held = send("POST", "/v1/redemptions", {"member": {"id": member}, "order": cart, "points": "10"})
    things["members"].append(member)
    things["orders"].append(order["id"])
    things["redemptions"].append(held["id"])
    things["vouchers"].append(send("POST", "/v1/vouchers", {"rule_id": "letter"})["code"])
    things["webhooks"].append(send("POST", "/v1/webhooks", {"url": "http://127.0.0.1:9/hooks"})["id"])
    things["messages"].append(f"msg_{number + 1:x}")
    things["keys"].append(send("POST", "/v1/keys", {"scopes": ["jobs"]})["id"])
# somebody who has left, and somebody who became another one
send("DELETE", f"/v1/members/{things['members'][-1]}", None)
send("POST", f"/v1/members/{things['members'][0]}/merges", {"from": {"id": things["members"][-2]}})
print(json.dumps(things))
