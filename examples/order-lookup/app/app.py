"""Beans with real order lookup: two tools, two policies and a hook around the agent of CLAUDE.md."""

import json
import os
import re
from pathlib import Path
from typing import Optional

from karta import IncomingMessage, Karta, MessageCompleted, ToolContext, ToolError, max_length, rewrite

app = Karta()

ORDERS = Path(os.environ.get("ORDERS_FILE") or Path(__file__).with_name("orders.json"))


def order_of(order_id: str, ctx: ToolContext) -> dict:
    """The customer's order. Who the customer is comes from the session, never from what the model says."""
    order = json.loads(ORDERS.read_text("utf-8")).get(order_id.upper())
    if order is None or order["customer"] != ctx.session.metadata.get("customer"):
        raise ToolError("there is no order %s of this customer" % order_id)
    return order


@app.tool
def look_up_order(order_id: str, ctx: ToolContext) -> dict:
    """Looks up one of the customer's orders: status, carrier, day due, what is in it and what it cost.

    Args:
        order_id: The order's number, a K and four digits.
    """
    order = order_of(order_id, ctx)
    total = sum(line["bags"] * line["price"] for line in order["lines"])
    shipping = 0.0 if total > 35 else 4.9
    facts = {key: order[key] for key in ("status", "carrier", "due", "lines")}
    return {"order_id": order_id.upper(), **facts, "shipping": shipping, "total": round(total + shipping, 2)}


@app.tool
def request_refund(order_id: str, reason: str, ctx: ToolContext) -> str:
    """Starts a refund of one of the customer's orders. A human at the operator's side approves it first.

    Args:
        order_id: The order's number.
        reason: What the customer says is wrong.
    """
    order_of(order_id, ctx)
    print("refund requested: %s (%s)" % (order_id, reason))
    return "A refund of %s was requested; the customer gets a mail within a day." % order_id.upper()


app.policy(max_length(2000))


@app.policy
def mask_card_numbers(message: IncomingMessage):
    """A card number reaches neither the model nor Karta's log."""
    masked = re.sub(r"\b(?:\d[ -]?){12,15}(\d{4})\b", r"[card ending in \1]", message.text)
    return rewrite(masked) if masked != message.text else None


@app.on("message.completed")
def count_tokens(event: MessageCompleted) -> None:
    customer: Optional[object] = event.session.metadata.get("customer")
    print("%s: a turn of %d tokens (%s)" % (customer, event.usage.total_tokens, event.status))
