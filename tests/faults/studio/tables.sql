-- Plain tables without unique constraints: an effect that happens twice must be visible, not refused.
CREATE TABLE faults_effect (job uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE faults_asked (key text PRIMARY KEY);
