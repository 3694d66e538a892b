"""What everything in the shop is called. Alarms are named by what somebody notices."""

HOME, STANDBY = "us-east-1", "us-west-2"
#: The service of lifeboat.yaml that all of this is.
SERVICE = "shop"

CLUSTER = "shop"
WEB, API = "web", "api"
#: The load balancer and the target group in front of each service of the cluster.
BALANCERS = {WEB: "shop-web", API: "shop-api"}
IMAGE = "shop/{service}:{version}"

ORDERS, CARTS = "orders", "carts"
#: SSM parameters: the name of the table that the shop uses, and the region that may write.
POINTER, FENCE = "/orders/table", "/shop/writer"
BUCKET = "shop-assets-{region}"
ASSETS = "assets/"

UNHEALTHY, BAD_TOTALS, TABLE_DELETED = "web-unhealthy-tasks", "orders-bad-totals", "orders-deleted"
ASSETS_MISSING, DATABASE_FAILING, ZONE_IMPAIRED = "assets-missing", "db-failing", "zone-impaired"
UNREACHABLE, OVERLOADED, CACHE_FAILING = "shop-unreachable", "web-overloaded", "cache-failing"

TOPIC, QUEUE = "alarms", "lifeboat-alarms"

DATABASE, DATABASES = "shop-db", "shop-global"
CACHE = "shop-cache"
VAULT = "shop"
WORKERS = "shop-workers"
ROUTING = "shop"
ZONE = "shop.test"
#: Records of the zone: failover by routing controls, failover by an object in the standby region, weights.
WWW, PAY, OLD = "www.shop.test", "pay.shop.test", "old.shop.test"
HEALTH_OBJECT = "failover/pay"
