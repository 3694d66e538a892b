"""What playbooks can do in AWS and look at there: one line per name. boto3 is imported by none of these modules.

To add one: write its class in the module of its service, add its line here, and its test under tests/aws/. The rules
over all of them are tests/rules/test_actions.py.
"""

from collections.abc import Mapping

from bot.aws import automation, call, health_check, http, region_switch, ssm, weighted_records
from bot.aws.alb.page import ShowPage
from bot.aws.alb.restore import RestoreActions
from bot.aws.alb.shift import CanShift as CanShiftTargets
from bot.aws.alb.shift import ShiftTargetGroup
from bot.aws.asg.leave_zone import LeaveZone as GroupLeavesZone
from bot.aws.asg.return_to_zone import ReturnToZone as GroupReturnsToZone
from bot.aws.backup.back_up import StartBackup
from bot.aws.backup.copy import CopyRecoveryPoint
from bot.aws.backup.ready import RecoveryPointReady
from bot.aws.backup.restore import RestoreRecoveryPoint
from bot.aws.backup.testing import RestoreTest
from bot.aws.dynamodb import compare, copy_back, from_backup, reapply, restore, undelete, undo_copy_back, window
from bot.aws.dynamodb.export import ExportForDiff
from bot.aws.dynamodb.reconcile import Reconcile
from bot.aws.dynamodb.replicas import ReplicasReady, ReplicationCaughtUp
from bot.aws.ecs import leave_zone, restart, return_to_zone, scale_back, scale_out, steady, stop_tasks
from bot.aws.ecs import rollback as release
from bot.aws.elasticache.chosen import CanPromote
from bot.aws.elasticache.global_failover import FailoverGlobal as FailoverGlobalCache
from bot.aws.elasticache.promote import PromoteReplica
from bot.aws.elb.leave_zone import LeaveZone as BalancerLeavesZone
from bot.aws.elb.return_to_zone import ReturnToZone as BalancerReturnsToZone
from bot.aws.rds.chosen import CanFailOver
from bot.aws.rds.delete_restored import DeleteRestored as DeleteRestoredCluster
from bot.aws.rds.failover import FailoverCluster
from bot.aws.rds.global_failover import FailoverGlobal
from bot.aws.rds.global_ready import GlobalReady
from bot.aws.rds.instance import FailoverInstance
from bot.aws.rds.restore import RestoreCluster
from bot.aws.rds.switchover import SwitchoverGlobal
from bot.aws.rds.window import CanRestore
from bot.aws.rds.writable import Writable
from bot.aws.region.fence import Fence as FenceRegion
from bot.aws.region.fence import Unfence as UnfenceRegion
from bot.aws.region.healthy_again import HealthyAgain
from bot.aws.region.preflight import Preflight
from bot.aws.region.scale_back import ScaleBack as ScaleRegionBack
from bot.aws.region.scale_out import ScaleOut as ScaleRegionOut
from bot.aws.region.verify import Verify as VerifyRegion
from bot.aws.region.writer import Writer as RegionWriter
from bot.aws.routing_control.ready import Ready as RoutingReady
from bot.aws.routing_control.switch import Override as OverrideRules
from bot.aws.routing_control.switch import Switch as SwitchRouting
from bot.aws.s3.access_point import ShiftAccessPoint
from bot.aws.s3.checks import AsOf, CanRollBack
from bot.aws.s3.rollback import RollbackPrefix
from bot.aws.s3.undelete import Undelete
from bot.aws.zonal_shift.cancel import Cancel as CancelShift
from bot.aws.zonal_shift.extend import Extend as ExtendShift
from bot.aws.zonal_shift.start import Start as StartShift
from bot.aws.zone import assess, can_shift, empty, healthy
from bot.playbook.action import Action, Check

ACTIONS: Mapping[str, Action] = {
    "alb.restore_actions": RestoreActions(),
    "alb.shift_target_group": ShiftTargetGroup(),
    "alb.show_page": ShowPage(),
    "asg.leave_zone": GroupLeavesZone(),
    "asg.return_to_zone": GroupReturnsToZone(),
    "aws.call": call.Call(),
    "backup.copy_recovery_point": CopyRecoveryPoint(),
    "backup.restore_recovery_point": RestoreRecoveryPoint(),
    "backup.restore_test": RestoreTest(),
    "backup.start_backup": StartBackup(),
    "dynamodb.apply_backup_settings": undelete.ApplyBackupSettings(),
    "dynamodb.copy_back": copy_back.CopyBack(),
    "dynamodb.delete_restored": restore.DeleteRestored(),
    "dynamodb.export_for_diff": ExportForDiff(),
    "dynamodb.reapply_settings": reapply.ReapplySettings(),
    "dynamodb.reconcile": Reconcile(),
    "dynamodb.restore_backup": from_backup.RestoreBackup(),
    "dynamodb.restore_pitr": restore.RestorePitr(),
    "dynamodb.undo_copy_back": undo_copy_back.UndoCopyBack(),
    "dynamodb.undelete_table": undelete.UndeleteTable(),
    "ecs.leave_zone": leave_zone.LeaveZone(),
    "ecs.restart_service": restart.RestartService(),
    "ecs.return_to_zone": return_to_zone.ReturnToZone(),
    "ecs.rollback_task_definition": release.RollbackTaskDefinition(),
    "ecs.scale_back": scale_back.ScaleBack(),
    "ecs.scale_out": scale_out.ScaleOut(),
    "ecs.stop_bad_tasks": stop_tasks.StopBadTasks(),
    "elasticache.failover_global": FailoverGlobalCache(),
    "elasticache.promote_replica": PromoteReplica(),
    "elb.leave_zone": BalancerLeavesZone(),
    "elb.return_to_zone": BalancerReturnsToZone(),
    "rds.delete_restored": DeleteRestoredCluster(),
    "rds.failover_cluster": FailoverCluster(),
    "rds.failover_global": FailoverGlobal(),
    "rds.failover_instance": FailoverInstance(),
    "rds.restore_cluster": RestoreCluster(),
    "rds.switchover_global": SwitchoverGlobal(),
    "region.fence": FenceRegion(),
    "region.scale_back": ScaleRegionBack(),
    "region.scale_out": ScaleRegionOut(),
    "region.unfence": UnfenceRegion(),
    "region_switch.execute_plan": region_switch.ExecutePlan(),
    "health_check.flip": health_check.Flip(),
    "routing_control.override": OverrideRules(),
    "routing_control.switch": SwitchRouting(),
    "s3.rollback_prefix": RollbackPrefix(),
    "s3.shift_access_point": ShiftAccessPoint(),
    "s3.undelete": Undelete(),
    "ssm.put_parameter": ssm.PutParameter(),
    "ssm.run_automation": automation.RunAutomation(),
    "weighted_records.shift": weighted_records.Shift(),
    "zonal_shift.cancel": CancelShift(),
    "zonal_shift.extend": ExtendShift(),
    "zonal_shift.start": StartShift(),
}

CHECKS: Mapping[str, Check] = {
    "alb.can_shift": CanShiftTargets(),
    "backup.recovery_point_ready": RecoveryPointReady(),
    "dynamodb.backup_ready": from_backup.BackupReady(),
    "dynamodb.can_undelete": undelete.CanUndelete(),
    "dynamodb.compare": compare.Compare(),
    "dynamodb.replicas_ready": ReplicasReady(),
    "dynamodb.replication_caught_up": ReplicationCaughtUp(),
    "dynamodb.restore_window": window.RestoreWindow(),
    "ecs.can_restart": restart.CanRestart(),
    "ecs.can_roll_back": release.CanRollBack(),
    "ecs.can_scale_out": scale_out.CanScaleOut(),
    "ecs.service_steady": steady.ServiceSteady(),
    "elasticache.can_promote": CanPromote(),
    "health_check.ready": health_check.Ready(),
    "http.answers": http.Answers(),
    "rds.can_fail_over": CanFailOver(),
    "rds.can_restore": CanRestore(),
    "rds.global_ready": GlobalReady(),
    "rds.writable": Writable(),
    "region.healthy_again": HealthyAgain(),
    "region.preflight": Preflight(),
    "region.verify": VerifyRegion(),
    "region.writer": RegionWriter(),
    "region_switch.plan_ready": region_switch.PlanReady(),
    "routing_control.ready": RoutingReady(),
    "s3.as_of": AsOf(),
    "s3.can_roll_back": CanRollBack(),
    "zone.assess": assess.Assess(),
    "zone.can_shift": can_shift.CanShift(),
    "zone.empty": empty.Empty(),
    "zone.healthy": healthy.Healthy(),
}
