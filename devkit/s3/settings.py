"""Names and keys of the stand-in; they open nothing but itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Where it listens and what it knows. Port 0 takes any free one."""

    port: int = 0
    private: str = "studio-private"
    public: str = "studio-public"
    region: str = "us-east-1"
    access_key: str = "AKIASTANDINOWNER"
    secret_key: str = "stand-in-secret-of-the-owner"
    objects_key: str = "AKIASTANDINOBJECTS"
    objects_secret: str = "stand-in-secret-for-objects-only"

    @property
    def secrets(self) -> dict[str, str]:
        """Each access key with its secret."""
        return {self.access_key: self.secret_key, self.objects_key: self.objects_secret}

    def environment(self, url: str) -> dict[str, str]:
        """The variables with which the back end uses the stand-in at `url`."""
        return {
            "STORAGE": "s3",
            "S3_BUCKET_NAME": self.private,
            "S3_PUBLIC_BUCKET_NAME": self.public,
            "S3_ENDPOINT_URL": url,
            "S3_PUBLIC_ENDPOINT_URL": url,
            "MEDIA_BASE_URL": f"{url}/{self.public}",
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
