# Keyward inspection, Windows PowerShell 5.1. Reads facts about this machine and prints them as one line:
#   KWE1 <length> <OK|CUT> <base64 of gzip of JSON>
# It writes nothing, changes nothing, connects nowhere and runs nothing that was installed outside of
# Windows, except dsa_query of Deep Security when only administrators could have put it there. Of
# configuration files only the named settings leave the machine, no secret does.
# It was written by the documentation of Windows and of the products and HAS NEVER RUN ON WINDOWS. Whatever
# goes wrong in it leaves a record without text, or no line at all: then the facts are unknown.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$nonce = '{{ Nonce }}'
$want = ',{{ Collect }},'
$ask = '{{ Ask }}'
if (($nonce + $want) -cnotmatch '^[0-9a-z,]+\z' -or $ask -cnotmatch '^[A-Za-z0-9,:/._+@-]+\z') { exit 0 }
$sys = [Environment]::SystemDirectory
# Modules come from Windows alone.
$env:PSModulePath = $sys + '\WindowsPowerShell\v1.0\Modules'
$epoch = New-Object DateTime 1970, 1, 1, 0, 0, 0, ([DateTimeKind]::Utc)
$records = New-Object Collections.ArrayList
$pids = New-Object Collections.Hashtable
$uid = 1
$watch = [Diagnostics.Stopwatch]::StartNew()
# asked KIND: the names of this kind that were asked for.
function asked([string]$kind) { foreach ($i in $ask.Split(',')) { if ($i.StartsWith($kind + ':')) { $i.Substring($kind.Length + 1) } } }
function has([string]$word) { $want.Contains(',' + $word + ',') }
function unix($d) { if ($d) { [int64][Math]::Floor(($d.ToUniversalTime() - $epoch).TotalSeconds) } else { 0 } }

# why ERROR: a reason in Keyward's words.
function why($e) {
  $x = $e.Exception
  while ($x.InnerException) { $x = $x.InnerException }
  $native = [string]$x.NativeErrorCode
  if ($x -is [Management.Automation.CommandNotFoundException]) { return 'no_tool' }
  if ($x -is [IO.FileNotFoundException] -or $x -is [IO.DirectoryNotFoundException]) { return 'absent' }
  if ($native -eq 'InvalidNamespace') { return 'absent' }
  if ($x -is [TimeoutException]) { return 'timeout' }
  if ($native -eq 'AccessDenied' -or $x -is [UnauthorizedAccessException] -or $x -is [Security.SecurityException]) {
    if ($uid) { return 'not_root' }
    return 'denied'
  }
  'failed'
}
# rec NAME CHARACTERS BLOCK: a record of the lines that the block gives; whole lines only. After 30 seconds
# nothing more is begun: whatever began by then ends before the agent's time is over.
function rec([string]$name, [int]$max, [scriptblock]$read) {
  $r = [ordered]@{ n = $name; t = '' }
  try {
    if ($watch.ElapsedMilliseconds -gt 30000) { throw (New-Object TimeoutException) }
    $text = New-Object Text.StringBuilder
    foreach ($line in @(& $read)) {
      $line = [regex]::Replace([string]$line, '[^\x09\x20-\x7E]', '?')
      if ($text.Length + $line.Length -gt $max) { $r['cut'] = $true; break }
      if ($text.Length) { [void]$text.Append("`n") }
      [void]$text.Append($line)
    }
    $r['t'] = $text.ToString()
  } catch { $r['s'] = why $_ }
  [void]$records.Add($r)
}
# part BLOCK: what goes wrong in it outside of its records costs only those that it would have made.
function part([scriptblock]$make) {
  try { $null = & $make } catch { [Console]::Error.WriteLine('keyward: ' + $_.Exception.GetType().FullName) }
}
function cim([string]$class, [string]$space, [string]$filter) {
  $a = @{ ClassName = $class; Namespace = 'root/cimv2'; OperationTimeoutSec = 10 }
  if ($space) { $a['Namespace'] = $space }
  if ($filter) { $a['Filter'] = $filter }
  Get-CimInstance @a
}
# key VIEW PATH: a key of HKEY_LOCAL_MACHINE for reading, or nothing.
function key([string]$view, [string]$path) {
  [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', $view).OpenSubKey($path)
}
# val VIEW PATH NAME: a value, or nothing.
function val([string]$view, [string]$path, [string]$name) {
  $k = key $view $path
  if ($k) { $k.GetValue($name) }
}
# here PATH: a path on a drive of this machine, of harmless characters. Others could lead to the network.
function here([string]$path) { $path -match '^[A-Za-z]:\\[A-Za-z0-9 ()_.\\-]*\z' -and $path -notmatch '\.\.' }
# read PATH CHARACTERS [TAIL]: the beginning, or the end, of a file.
function read([string]$path, [int]$max, [bool]$tail) {
  $share = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
  $f = New-Object IO.FileStream($path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $share)
  try {
    if ($tail -and $f.Length -gt $max) { [void]$f.Seek(-$max, [IO.SeekOrigin]::End) }
    $b = New-Object byte[] $max
    $n = 0
    do { $k = $f.Read($b, $n, $max - $n); $n += $k } while ($k -gt 0 -and $n -lt $max)
    [Text.Encoding]::ASCII.GetString($b, 0, $n)
  } finally { $f.Dispose() }
}
function pieces([string]$text, [string]$regex) { foreach ($m in [regex]::Matches($text, $regex)) { $m.Value.Trim() } }
function exists([string]$dir, [string[]]$names) {
  $found = foreach ($n in $names) { if ([IO.File]::Exists($dir + '\' + $n)) { $n } }
  'bin ' + (@($found) -join ' ')
}
function fileversion([string]$path) {
  $v = [Diagnostics.FileVersionInfo]::GetVersionInfo($path)
  'file {0}.{1}.{2}.{3}' -f $v.FileMajorPart, $v.FileMinorPart, $v.FileBuildPart, $v.FilePrivatePart
}
# folder PATH: a record's first line, and the folder without its last separator when it is one.
function folder([string]$path) {
  if (-not $path) { return 'dir absent' }
  if (-not (here $path)) { return 'dir unsafe_path' }
  $path = $path.TrimEnd('\')
  if ([IO.Directory]::Exists($path)) { return 'dir ok ' + $path }
  'dir absent ' + $path
}
function opened([string]$line) { if ($line.StartsWith('dir ok ')) { $line.Substring(7) } else { '' } }

# --- products: what Windows says of their services
$services = @{
  ossec = 'OssecSvc'; wazuh = 'WazuhSvc', 'OssecSvc'; deepsecurity = 'ds_agent', 'Amsp'
  officescan = 'ntrtscan', 'tmlisten', 'TmCCSF', 'TMBMServer', 'TmPfw'; defender = 'WinDefend', 'Sense'
  crowdstrike = @('CSFalconService'); sentinelone = @('SentinelAgent')
}
$svc = @{}
function service {
  $names = foreach ($w in $services.Keys) { if (has $w) { $services[$w] } }
  $filter = (@($names) | Sort-Object -Unique | ForEach-Object { "Name='" + $_ + "'" }) -join ' OR '
  foreach ($s in @(cim 'Win32_Service' '' $filter)) {
    $pids[[int]$s.ProcessId] = 1
    $path = [string]$s.PathName
    if ($path -match '^"([^"]+)"') { $path = $Matches[1] } elseif ($path -match '^(.+?\.exe)( |\z)') { $path = $Matches[1] }
    $svc[[string]$s.Name] = $path
    "{0}`t{1}`t{2}`t{3}`t{4}" -f $s.Name, $s.State, $s.StartMode, $s.ProcessId, $path
  }
}
$hidsconf = '<(?:email_notification|server-ip|server-hostname|address|disabled|frequency)>[^<]*<|</?(?:syscheck|rootcheck|active-response)>'
$hidslog = @(
  @('connected', '\(4102\)'), @('lost', 'Server unavailable'), @('back', 'Server responded'), @('waiting', '\((1216|4101)\)'),
  @('nokeys', '\(1751\)'), @('syscheck', 'Ending syscheck scan|\(6009\)'), @('rootcheck', 'Ending rootcheck scan'),
  @('noresponse', 'Active response disabled')
)
function hids {
  $path = ''
  foreach ($s in 'WazuhSvc', 'OssecSvc') { if (-not $path -and $svc[$s]) { $path = Split-Path -Parent $svc[$s] } }
  if (-not $path) { $path = [string](val 'Registry32' 'SOFTWARE\ossec' 'Install_Dir') }
  if (-not $path) { $path = [Environment]::GetFolderPath('ProgramFilesX86') + '\ossec-agent' }
  $first = folder $path
  $dir = opened $first
  rec 'hids' 1500 {
    $first
    if ($dir) {
      exists $dir @('ossec-agent.exe', 'wazuh-agent.exe')
      if ([IO.Directory]::Exists($dir + '\wodles') -or [IO.File]::Exists($dir + '\wpk_root.pem')) { 'wazuh yes' }
      if ([IO.File]::Exists($dir + '\.wait')) { 'wait' }
      try { 'keys ' + [regex]::Matches((read ($dir + '\client.keys') 65536), '(?m)^[0-9]').Count } catch { 'keys ' + (why $_) }
    }
  }
  if (-not $dir) { return }
  rec 'hids.version' 400 {
    foreach ($f in 'VERSION.json', 'VERSION.txt', 'VERSION') {
      if ([IO.File]::Exists($dir + '\' + $f)) { pieces (read ($dir + '\' + $f) 1000) '"version" *: *"[^"]*"|\bv[0-9][0-9.]*' }
    }
    foreach ($f in 'wazuh-agent.exe', 'ossec-agent.exe') { if ([IO.File]::Exists($dir + '\' + $f)) { fileversion ($dir + '\' + $f) } }
  }
  rec 'hids.conf' 3000 { pieces (read ($dir + '\ossec.conf') 262144) $hidsconf }
  foreach ($f in 'wazuh-agent.state', 'ossec-agent.state') {
    $state = $dir + '\' + $f
    if (-not [IO.File]::Exists($state)) { continue }
    rec 'hids.state' 600 { pieces (read $state 4000) '(?m)^(?:status|last_keepalive|last_ack)=.*' }
    rec 'hids.time' 200 { '' + (unix ([IO.File]::GetLastWriteTimeUtc($state))) + ' ' + $f }
    break
  }
  rec 'hids.log' 3000 {
    $n = 0
    $last = [ordered]@{}
    foreach ($line in (read ($dir + '\ossec.log') 262144 $true).Split("`n")) {
      $n++
      foreach ($k in $hidslog) {
        if ($line -cmatch $k[1]) { $last[$k[0]] = '' + $n + ' ' + $line.Substring(0, [Math]::Min(200, $line.Length)).Trim() }
      }
    }
    foreach ($k in $last.Keys) { $k + ' ' + $last[$k] }
  }
}

# safe FILE: only administrators and Windows itself own, or may change, the file and where it lies.
$trusted = 'S-1-5-18', 'S-1-5-32-544', 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'
function safe([string]$file) {
  $sid = [Security.Principal.SecurityIdentifier]
  $acl = [IO.File]::GetAccessControl($file)
  $at = $file
  $mask = 0x500D0046
  while ($true) {
    if ($trusted -notcontains $acl.GetOwner($sid).Value) { return $false }
    foreach ($r in $acl.GetAccessRules($true, $true, $sid)) {
      $own = ([int]$r.PropagationFlags -band 2) -eq 0
      if ($own -and [string]$r.AccessControlType -eq 'Allow' -and ([int]$r.FileSystemRights -band $mask) -and $trusted -notcontains $r.IdentityReference.Value) { return $false }
    }
    $up = [IO.Path]::GetDirectoryName($at)
    if (-not $up) { return $true }
    if ($at -ne $file) { $mask = 0x100D0040 }
    $at = $up
    $acl = [IO.Directory]::GetAccessControl($at)
  }
}
# ask FILE QUESTION: what a command file of a product answers.
function ask([string]$file, [string]$question) {
  $i = New-Object Diagnostics.ProcessStartInfo
  $i.FileName = $sys + '\cmd.exe'
  $i.Arguments = '/d /c ""' + $file + '" -c ' + $question + '"'
  $i.UseShellExecute = $false
  $i.CreateNoWindow = $true
  $i.RedirectStandardInput = $true
  $i.RedirectStandardOutput = $true
  $i.RedirectStandardError = $true
  $p = [Diagnostics.Process]::Start($i)
  $p.StandardInput.Close()
  $out = $p.StandardOutput.ReadToEndAsync()
  $err = $p.StandardError.ReadToEndAsync()
  if (-not $out.Wait(8000)) {
    $k = [Diagnostics.Process]::Start($sys + '\taskkill.exe', '/t /f /pid ' + $p.Id)
    [void]$k.WaitForExit(2000)
    throw (New-Object TimeoutException)
  }
  $out.Result
}
$dsq = '(?m)^(?:AgentStatus\.(?:agentState|auStatus|currentTime|lastAgentToManagerSession|driverHooked|driverChecked|dsmUrl)|PluginVersion\.core|Component\.(?:AM|FWDPI|IM|LI|WRS|AC|SAP)\.(?:mode|driverOffline|licenseExpiry|firewallMode|driverState|rules|dpiRules|firewallRules|cap\.realtime|scan\.Realtime)|Component\.AM\.version\.[A-Za-z0-9.]*|Component\.CORE\.version): .{0,120}'
function deepsecurity {
  $path = ''
  foreach ($view in 'Registry64', 'Registry32') {
    if (-not $path) { $path = [string](val $view 'SOFTWARE\TrendMicro\Deep Security Agent' 'InstallationFolder') }
  }
  $first = folder $path
  $dir = opened $first
  $query = 'absent'
  if ($dir -and [IO.File]::Exists($dir + '\dsa_query.cmd')) {
    $query = 'unsafe_path'
    if ($uid) { $query = 'not_root' } elseif (safe ($dir + '\dsa_query.cmd')) { $query = 'ok' }
  }
  rec 'dsa' 600 {
    $first
    if ($dir) {
      exists $dir @('ds_agent.exe')
      'query ' + $query
      if ([IO.File]::Exists($dir + '\ds_agent.exe')) { fileversion ($dir + '\ds_agent.exe') }
    }
  }
  if ($query -ne 'ok') { return }
  $file = $dir + '\dsa_query.cmd'
  rec 'dsa.status' 1500 { pieces (ask $file 'GetAgentStatus') $dsq }
  rec 'dsa.component' 5000 { pieces (ask $file 'GetComponentInfo') $dsq }
  rec 'dsa.plugin' 600 { pieces (ask $file 'GetPluginVersion') $dsq }
}

function officescan {
  $root = 'SOFTWARE\TrendMicro\PC-cillinNTCorp\CurrentVersion'
  $values = @{
    '' = 'Application Path', 'WFBSAgentVersion', 'Server'; '\iCRC Scan' = @('ScanType'); '\UpdateInfo' = @('LastUpdate')
    '\Real Time Scan Configuration' = @('Enable')
    '\Misc.' = 'ProgramVer', 'TmListen_Ver', 'ProductName', 'VsAPINT-Ver', 'InternalPatternVer', 'InternalNonCrcPatternVer', 'PatternDate', 'NonCrcPatternDate'
  }
  rec 'osce' 2500 {
    if (-not (key 'Registry32' $root)) { 'dir absent'; return }
    $first = folder ([string](val 'Registry32' $root 'Application Path'))
    $first
    $dir = opened $first
    if ($dir) { exists $dir @('TmListen.exe', 'NTRtScan.exe', 'PccNTMon.exe') }
    foreach ($p in $values.Keys) {
      foreach ($n in $values[$p]) {
        $v = val 'Registry32' ($root + $p) $n
        if ($null -ne $v) { $n.Replace(' ', '') + ' ' + $v }
      }
    }
    foreach ($view in 'Registry32', 'Registry64') {
      $list = key $view 'SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
      foreach ($n in $list.GetSubKeyNames()) {
        $name = [string]$list.OpenSubKey($n).GetValue('DisplayName')
        if ($name -match '^Trend Micro (OfficeScan|Apex One|Security Agent)') { 'uninstall ' + $name }
      }
    }
  }
}

$mpfields = 'AMServiceEnabled', 'AntivirusEnabled', 'AntispywareEnabled', 'RealTimeProtectionEnabled', 'BehaviorMonitorEnabled', 'IoavProtectionEnabled', 'OnAccessProtectionEnabled', 'AMRunningMode', 'AMProductVersion', 'AMEngineVersion', 'AntivirusSignatureVersion', 'AntivirusSignatureLastUpdated', 'QuickScanEndTime', 'FullScanEndTime', 'IsTamperProtected'
function defender {
  rec 'mp' 1500 {
    try { $s = cim 'MSFT_MpComputerStatus' 'root/Microsoft/Windows/Defender' } catch {
      $x = $_.Exception
      'error ' + (why $_) + ' ' + $x.NativeErrorCode + ' ' + $x.MessageId
      return
    }
    foreach ($f in $mpfields) {
      $v = $s.$f
      if ($v -is [DateTime]) { $v = unix $v }
      if ($null -ne $v) { $f + ' ' + $v }
    }
  }
}

# agent WORD: a product of which only its service and that one's program are looked at.
function agent([string]$word) {
  $path = $svc[$services[$word][0]]
  rec $word 400 {
    if (-not $path) { 'dir absent'; return }
    $first = folder (Split-Path -Parent $path)
    $first
    if (opened $first) { fileversion $path }
  }
}

# --- the machine
function system {
  rec 'sys' 600 {
    $o = cim 'Win32_OperatingSystem'
    'caption ' + $o.Caption
    $v = [string]$o.Version
    $ubr = val 'Registry64' 'SOFTWARE\Microsoft\Windows NT\CurrentVersion' 'UBR'
    if ($null -ne $ubr) { $v = $v + '.' + $ubr }
    'version ' + $v
    'type ' + $o.ProductType
    'arch ' + $env:PROCESSOR_ARCHITECTURE
    'btime ' + (unix $o.LastBootUpTime)
  }
}
function listeners {
  rec 'net' 40000 {
    foreach ($c in @(cim 'MSFT_NetTCPConnection' 'root/StandardCimv2' 'State=2')) {
      $pids[[int]$c.OwningProcess] = 1
      'tcp ' + $c.LocalAddress + ' ' + $c.LocalPort + ' ' + $c.OwningProcess
    }
    foreach ($c in @(cim 'MSFT_NetUDPEndpoint' 'root/StandardCimv2')) {
      $pids[[int]$c.OwningProcess] = 1
      'udp ' + $c.LocalAddress + ' ' + $c.LocalPort + ' ' + $c.OwningProcess
    }
  }
}
function firewall {
  rec 'fw' 1000 {
    'service ' + (cim 'Win32_Service' '' "Name='MpsSvc'").State
    foreach ($p in @(Get-NetFirewallProfile -PolicyStore ActiveStore)) {
      'profile ' + $p.Name + ' ' + $p.Enabled + ' ' + $p.DefaultInboundAction
    }
    foreach ($c in @(cim 'MSFT_NetConnectionProfile' 'root/StandardCimv2')) { 'net ' + $c.NetworkCategory }
  }
}
function mounts {
  rec 'mnt' 8000 {
    foreach ($v in @(cim 'Win32_Volume' '' 'DriveType=3')) { "{0}`t{1}`t{2}" -f $v.DeviceID, $v.FileSystem, $v.Name }
  }
  rec 'blk' 6000 {
    foreach ($v in @(cim 'Win32_EncryptableVolume' 'root/cimv2/Security/MicrosoftVolumeEncryption')) {
      "{0}`t{1}`t{2}`t{3}" -f $v.DeviceID, $v.ConversionStatus, $v.ProtectionStatus, $v.EncryptionMethod
    }
  }
}
function programs {
  rec 'exe' 12000 {
    foreach ($p in @(cim 'Win32_Process')) {
      $x = [string]$p.ExecutablePath
      if ($x -and $pids.ContainsKey([int]$p.ProcessId)) { '' + $p.ProcessId + ' = ' + $x }
    }
  }
}

# Keys that stand until a reboot.
function reboot {
  rec 'reboot' 200 {
    $root = 'SOFTWARE\Microsoft\Windows\CurrentVersion\'
    if (key 'Registry64' ($root + 'Component Based Servicing\RebootPending')) { 'servicing' }
    if (key 'Registry64' ($root + 'WindowsUpdate\Auto Update\RebootRequired')) { 'update' }
    'looked'
  }
}
function updates {
  rec 'updates' 6000 {
    foreach ($q in @(cim 'Win32_QuickFixEngineering')) { "{0}`t{1}`t{2}" -f $q.HotFixID, $q.Description, $q.InstalledOn }
  }
}
# The group of administrators has another name in every language, and one SID.
function accounts {
  rec 'acc' 6000 {
    $c = cim 'Win32_ComputerSystem'
    'host ' + $c.Name
    'domain ' + $c.PartOfDomain
    $n = 0
    foreach ($u in @(cim 'Win32_UserAccount' '' 'LocalAccount=True AND Disabled=False')) {
      $n++
      if (-not $u.PasswordRequired) { 'open ' + $u.Name }
    }
    'login ' + $n
    $g = cim 'Win32_Group' '' "LocalAccount=True AND SID='S-1-5-32-544'"
    $of = 'GroupComponent="Win32_Group.Domain=''' + $g.Domain + ''',Name=''' + $g.Name + '''"'
    foreach ($m in @(cim 'Win32_GroupUser' '' $of)) { 'admin ' + $m.PartComponent.Domain + '\' + $m.PartComponent.Name }
  }
}
# Installed programs, by their names with "-" for what a name in a policy cannot have.
function packages {
  rec 'packages' 6000 {
    'windows'
    $n = 0
    $names = @(asked 'package')
    foreach ($view in 'Registry64', 'Registry32') {
      $list = key $view 'SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
      if (-not $list) { continue }
      foreach ($k in $list.GetSubKeyNames()) {
        $p = $list.OpenSubKey($k)
        $name = [regex]::Replace([string]$p.GetValue('DisplayName'), '[^A-Za-z0-9._+]+', '-').Trim('-')
        if (-not $name) { continue }
        $n++
        $v = [regex]::Replace([string]$p.GetValue('DisplayVersion'), '[^!-~]+', '_')
        if (-not $v) { $v = '-' }
        foreach ($a in $names) {
          if ($name -match ('^' + [regex]::Escape($a) + '(-v?[0-9].*)?\z')) { 'p ' + $a + ' ' + $v + ' ' + $view.Substring(8) }
        }
      }
    }
    'count ' + $n
  }
}
function digest([string]$path) {
  $share = [IO.FileShare]::ReadWrite -bor [IO.FileShare]::Delete
  $f = New-Object IO.FileStream($path, [IO.FileMode]::Open, [IO.FileAccess]::Read, $share)
  try {
    if ($f.Length -gt 16777216) { return '!too_large' }
    [BitConverter]::ToString((New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($f)).Replace('-', '').ToLower()
  } finally { $f.Dispose() }
}
# Chosen files: those whose paths have a drive.
function files {
  $names = @(asked 'file')
  if (-not $names) { return }
  rec 'files' 16000 {
    foreach ($a in $names) {
      if ($a -cnotmatch '^[A-Z]:/') { continue }
      $f = $a.Replace('@20', ' ').Replace('@28', '(').Replace('@29', ')').Replace('/', '\')
      if (-not (here $f)) { $a + ' unsafe_path'; continue }
      try {
        $t = [int][IO.File]::GetAttributes($f)
        if ($t -band 1024) { $a + ' link'; continue }
        $h = '-'
        $size = 0
        $kind = 'directory'
        if (-not ($t -band 16)) {
          $kind = 'regular file'
          $size = (New-Object IO.FileInfo $f).Length
          try { $h = digest $f } catch { $h = '!' + (why $_) }
        }
        $a + ' ok ' + $h + ' - - - ' + $size + ' ' + (unix ([IO.File]::GetLastWriteTimeUtc($f))) + ' ' + $kind
      } catch { $a + ' ' + (why $_) }
    }
  }
}

# pack BUDGET: the line; records beyond the budget are left out, the last ones first.
function pack([int]$budget) {
  $total = 0
  $state = 'OK'
  $kept = foreach ($r in $records) {
    $total += $r['t'].Length + 40
    if ($total -gt $budget) { $state = 'CUT'; [ordered]@{ n = $r['n']; t = ''; s = 'budget' } } else { $r }
  }
  $now = [DateTime]::UtcNow
  $doc = [ordered]@{ v = 1; nonce = $nonce; probe = 'windows-ps/1.0.0'; want = $want; ask = $ask; at = $start; uid = $uid; end = (unix $now); r = @($kept) }
  $b = [Text.Encoding]::ASCII.GetBytes((ConvertTo-Json -InputObject $doc -Compress -Depth 8))
  $m = New-Object IO.MemoryStream
  $z = New-Object IO.Compression.GZipStream($m, [IO.Compression.CompressionLevel]::Optimal)
  $z.Write($b, 0, $b.Length)
  $z.Dispose()
  $p = [Convert]::ToBase64String($m.ToArray())
  'KWE1 ' + $p.Length + ' ' + $state + ' ' + $p
}
try {
  $o = [TimeZoneInfo]::Local.GetUtcOffset([DateTime]::Now)
  $sign = '+'
  if ($o.Ticks -lt 0) { $sign = '-' }
  $start = '{0} {1}{2:00}{3:00}' -f (unix ([DateTime]::UtcNow)), $sign, [Math]::Abs($o.Hours), [Math]::Abs($o.Minutes)
  $me = [Security.Principal.WindowsIdentity]::GetCurrent()
  $role = New-Object Security.Principal.WindowsPrincipal $me
  if ($me.IsSystem -or $role.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { $uid = 0 }
  if (has 'os') { part { system } }
  if (has 'listeners') { part { listeners } }
  $product = @($services.Keys | Where-Object { has $_ })
  if ($product) { part { rec 'svc' 3000 { service } } }
  if ($product -or (has 'listeners')) { part { programs } }
  if (has 'mounts') { part { mounts } }
  if ((has 'ossec') -or (has 'wazuh')) { part { hids } }
  if (has 'deepsecurity') { part { deepsecurity } }
  if (has 'officescan') { part { officescan } }
  if (has 'defender') { part { defender } }
  foreach ($word in 'crowdstrike', 'sentinelone') { if (has $word) { part { agent $word } } }
  if (has 'firewall') { part { firewall } }
  if (has 'reboot') { part { reboot } }
  if (has 'updates') { part { updates } }
  if (has 'accounts') { part { accounts } }
  if (has 'packages') { part { packages } }
  if (has 'files') { part { files } }
  foreach ($budget in 90000, 45000, 16000) {
    $line = pack $budget
    if ($line.Length -lt 23000) { break }
  }
  [Console]::Out.Write($line + "`n")
} catch { [Console]::Error.WriteLine('keyward: ' + $_.Exception.GetType().FullName) }
exit 0
