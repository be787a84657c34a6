import common.ids
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='File',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('owner_kind', models.CharField(choices=[('staff', 'Staff'), ('customer', 'Customer'), ('system', 'System'), ('operator', 'Operator')], max_length=10)),
                ('owner_id', models.CharField(blank=True, max_length=64)),
                ('purpose', models.CharField(choices=[('image', 'Image'), ('document', 'Document'), ('project_image', 'Project image'), ('booking_attachment', 'Booking attachment')], max_length=20)),
                ('target_kind', models.CharField(blank=True, default='', max_length=20)),
                ('target_id', models.UUIDField(blank=True, null=True)),
                ('name', models.CharField(max_length=180)),
                ('declared_type', models.CharField(max_length=100)),
                ('declared_size', models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)])),
                ('declared_sha256', models.CharField(max_length=64)),
                ('observed_type', models.CharField(blank=True, default='', max_length=100)),
                ('observed_size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('observed_sha256', models.CharField(blank=True, default='', max_length=64)),
                ('etag', models.CharField(blank=True, default='', max_length=200)),
                ('quarantine_key', models.CharField(blank=True, default='', max_length=200)),
                ('clean_key', models.CharField(blank=True, default='', max_length=200)),
                ('clean_size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('width', models.PositiveIntegerField(blank=True, null=True)),
                ('height', models.PositiveIntegerField(blank=True, null=True)),
                ('thumbnails', models.JSONField(blank=True, default=list)),
                ('color', models.CharField(blank=True, default='', max_length=7, verbose_name='dominant colour')),
                ('blur_data_url', models.CharField(blank=True, default='', max_length=1000)),
                ('state', models.CharField(choices=[('pending', 'Waiting for the bytes'), ('uploaded', 'Uploaded'), ('processing', 'Being processed'), ('ready', 'Ready'), ('expired', 'Never arrived'), ('rejected', 'Rejected'), ('failed', 'Failed'), ('deleting', 'Being deleted'), ('deleted', 'Deleted'), ('missing', 'Object missing')], default='pending', max_length=12)),
                ('version', models.PositiveIntegerField(default=1)),
                ('reason', models.CharField(blank=True, default='', max_length=100)),
                ('scan_engine', models.CharField(blank=True, default='', max_length=50)),
                ('scan_verdict', models.CharField(choices=[('not_scanned', 'Not scanned'), ('clean', 'Clean'), ('infected', 'Infected')], default='not_scanned', max_length=12, verbose_name='virus scan')),
                ('scanned_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['owner_kind', 'owner_id', 'state'], name='file_by_owner'), models.Index(condition=models.Q(('target_kind', ''), _negated=True), fields=['target_kind', 'target_id'], name='file_by_target'), models.Index(condition=models.Q(('state', 'pending')), fields=['expires_at'], name='file_pending'), models.Index(condition=models.Q(('observed_sha256', ''), _negated=True), fields=['observed_sha256'], name='file_by_sha256'), models.Index(fields=['-created_at', '-id'], name='file_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('purpose__in', ['image', 'document', 'project_image', 'booking_attachment'])), name='file_purpose_known'), models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'uploaded', 'processing', 'ready', 'expired', 'rejected', 'failed', 'deleting', 'deleted', 'missing'])), name='file_state_known'), models.CheckConstraint(condition=models.Q(('owner_kind__in', ['staff', 'customer', 'system', 'operator'])), name='file_owner_kind_known'), models.CheckConstraint(condition=models.Q(models.Q(('owner_kind__in', ['staff', 'customer']), _negated=True), models.Q(('owner_id', ''), _negated=True), _connector='OR'), name='file_owner_named'), models.CheckConstraint(condition=models.Q(models.Q(('purpose__in', ['image', 'document']), ('target_id__isnull', True), ('target_kind', '')), models.Q(('purpose', 'project_image'), ('target_id__isnull', False), ('target_kind', 'project')), models.Q(('purpose', 'booking_attachment'), ('target_id__isnull', False), ('target_kind', 'booking')), _connector='OR'), name='file_target_as_purpose_demands'), models.CheckConstraint(condition=models.Q(('declared_size__gte', 1)), name='file_declared_size_positive'), models.CheckConstraint(condition=models.Q(('declared_sha256__regex', '^[0-9a-f]{64}$')), name='file_sha256_hex'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['uploaded', 'processing', 'ready']), _negated=True), ('confirmed_at__isnull', False), _connector='OR'), name='file_confirmed_has_instant'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'ready'), _negated=True), models.Q(models.Q(('clean_key', ''), _negated=True), models.Q(('observed_type', ''), _negated=True), models.Q(('observed_sha256', ''), _negated=True), ('observed_size__isnull', False)), _connector='OR'), name='file_ready_is_complete'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['rejected', 'failed']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='file_refusal_has_reason'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'deleted'), _negated=True), ('deleted_at__isnull', False), _connector='OR'), name='file_deleted_has_instant'), models.CheckConstraint(condition=models.Q(models.Q(('height__isnull', True), ('width__isnull', True)), models.Q(('height__gte', 1), ('height__isnull', False), ('width__gte', 1), ('width__isnull', False)), _connector='OR'), name='file_width_with_height'), models.UniqueConstraint(condition=models.Q(('quarantine_key', ''), _negated=True), fields=('quarantine_key',), name='file_quarantine_key_once'), models.UniqueConstraint(condition=models.Q(('clean_key', ''), _negated=True), fields=('clean_key',), name='file_clean_key_once')],
            },
        ),
    ]
