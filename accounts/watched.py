"""Who may do what changes only together with an audit event."""

from common.watched import watch

watch("accounts_user", target="accounts.user", columns=("email", "is_active", "is_superuser"))
watch("accounts_user_groups", target="accounts.user", key="user_id", columns=("user_id", "group_id"))
watch("accounts_user_user_permissions", target="accounts.user", key="user_id", columns=("user_id", "permission_id"))
watch("auth_group_permissions", target="auth.group", key="group_id", columns=("group_id", "permission_id"))
