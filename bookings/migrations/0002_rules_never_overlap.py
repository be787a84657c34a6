"""Opening hours of one weekday that could apply to the same service never overlap.

A rule without a service applies to all of them, so its scope is the unbounded range of numbers; a service is one number
in it, made of the random bits of its id. Django cannot describe such an expression, hence SQL.
"""

from django.db import migrations

ADD = """
ALTER TABLE bookings_availabilityrule ADD CONSTRAINT bookings_rule_no_overlap EXCLUDE USING gist (
    weekday WITH =,
    (CASE WHEN service_id IS NULL THEN int8range(NULL, NULL) ELSE int8range(
        ('x' || right(replace(service_id::text, '-', ''), 15))::bit(60)::bigint,
        ('x' || right(replace(service_id::text, '-', ''), 15))::bit(60)::bigint, '[]') END) WITH &&,
    daterange(valid_from, valid_until, '[]') WITH &&,
    int4range(extract(epoch FROM starts)::integer, extract(epoch FROM ends)::integer) WITH &&
)
"""
DROP = "ALTER TABLE bookings_availabilityrule DROP CONSTRAINT bookings_rule_no_overlap"


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]

    operations = [migrations.RunSQL(ADD, DROP)]
